//! Every documented field of `POST /v1/responses` and what this server does with it: OpenAI's API (2026), the extensions
//! of vLLM, and fields of chat completions, whose clients put them here as well.

use super::super::request_fields::Treatment::{Harmless, Refused, Used};
use super::super::request_fields::{
    CACHE_HINT, ELSEWHERE, EMPTY_LIST, FALSE, FOREIGN, NEVER, RequestFields, Row, Treatment, WITHOUT_EFFECT,
    ZERO,
};
use super::ResponsesRequest;

impl RequestFields for ResponsesRequest {
    const SHARED: &'static [&'static [Row]] = &[FOREIGN, ELSEWHERE];
    const OWN: &'static [Row] = FIELDS;

    fn set_timeout(&mut self, seconds: f64) {
        self.timeout.get_or_insert(seconds);
    }
}

const ALIKE: Treatment = Harmless("nothing is billed, and every request is served alike");

const FIELDS: &[Row] = &[
    // OpenAI.
    ("model", Used),
    ("input", Used),
    ("instructions", Used),
    ("previous_response_id", Used),
    ("store", Used),
    ("tools", Used),
    ("tool_choice", Used),
    ("parallel_tool_calls", Used),
    ("text", Used),
    ("text.format", Used),
    ("text.verbosity", Refused(&["\"medium\""])),
    ("reasoning", Used),
    ("reasoning.effort", Used),
    ("reasoning.summary", Refused(&["\"auto\""])),
    ("reasoning.generate_summary", Refused(&["\"auto\""])),
    ("reasoning.context", Refused(&["\"auto\""])),
    ("reasoning.mode", Refused(&["\"standard\""])),
    ("include", Used),
    ("truncation", Used),
    ("stream", Used),
    ("stream_options", Harmless("its only field asks for padding, which is not needed")),
    ("max_output_tokens", Used),
    ("max_tool_calls", Used),
    ("temperature", Used),
    ("top_p", Used),
    ("top_logprobs", Used),
    ("metadata", Used),
    ("user", Used),
    ("safety_identifier", Used),
    ("prompt_cache_key", Used),
    ("access_programs", NEVER),
    ("background", FALSE),
    ("context_management", EMPTY_LIST),
    ("conversation", NEVER),
    ("image", NEVER),
    ("moderation", NEVER),
    ("personality", NEVER),
    ("prompt", NEVER),
    ("background_options", WITHOUT_EFFECT),
    ("prompt_cache_options", CACHE_HINT),
    ("prompt_cache_retention", CACHE_HINT),
    ("service_tier", ALIKE),
    // vLLM.
    ("top_k", Used),
    ("min_p", Used),
    ("repetition_penalty", Used),
    ("presence_penalty", Used),
    ("frequency_penalty", Used),
    ("logit_bias", Used),
    ("seed", Used),
    ("stop", Used),
    ("ignore_eos", Used),
    ("skip_special_tokens", Used),
    ("priority", Used),
    ("cache_salt", Used),
    ("stop_token_ids", Used),
    ("bad_words", Used),
    ("min_tokens", Used),
    ("include_stop_str_in_output", Used),
    ("structured_outputs", Used),
    ("structured_outputs.disable_additional_properties", FALSE),
    ("structured_outputs.disable_any_whitespace", Used),
    ("structured_outputs.whitespace_pattern", NEVER),
    ("chat_template_kwargs", Used),
    ("enable_response_messages", FALSE),
    ("previous_input_messages", EMPTY_LIST),
    ("previous_response_messages", EMPTY_LIST),
    // LMDeploy, and this server's own.
    ("enable_thinking", Used),
    ("min_new_tokens", Harmless("another name of `min_tokens`, by which it is used")),
    ("return_logprob", FALSE),
    ("return_token_ids", FALSE),
    ("timeout", Used),
    // Chat completions: the same wish has another name here, or none.
    ("max_tokens", NEVER),
    ("messages", EMPTY_LIST),
    ("add_special_tokens", FALSE),
    ("input_ids", EMPTY_LIST),
    ("repetition_ngram_size", ZERO),
];

#[cfg(test)]
mod tests;
