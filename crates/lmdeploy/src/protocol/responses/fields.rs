//! Every documented field of `POST /v1/responses` and what this server does with it: OpenAI's API (2026), the extensions
//! of vLLM, and fields of chat completions, whose clients put them here as well.

use super::super::request_fields::Treatment::{Harmless, Refused, Used};
use super::super::request_fields::{RequestFields, Row, Treatment};
use super::ResponsesRequest;

impl RequestFields for ResponsesRequest {
    const SHARED: &'static [Row] = &[];
    const OWN: &'static [Row] = FIELDS;

    fn set_timeout(&mut self, seconds: f64) {
        self.timeout.get_or_insert(seconds);
    }
}

/// Every value but null asks for something.
const NEVER: Treatment = Refused(&[]);
const FALSE: Treatment = Refused(&["false"]);
const ZERO: Treatment = Refused(&["0"]);
const ONE: Treatment = Refused(&["1"]);
const EMPTY_LIST: Treatment = Refused(&["[]"]);
const EMPTY_OBJECT: Treatment = Refused(&["{}"]);

const CACHE_HINT: Treatment =
    Harmless("a hint for the cache, which makes an answer faster and not different");
const ALIKE: Treatment = Harmless("nothing is billed, and every request is served alike");
const WITHOUT_EFFECT: Treatment = Harmless("only has an effect together with a field that is refused");

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
    ("chat_template_kwargs", Used),
    ("enable_response_messages", FALSE),
    ("include_stop_str_in_output", FALSE),
    ("mm_processor_kwargs", EMPTY_OBJECT),
    ("previous_input_messages", EMPTY_LIST),
    ("previous_response_messages", EMPTY_LIST),
    ("structured_outputs", NEVER),
    ("vllm_xargs", EMPTY_OBJECT),
    ("request_id", Harmless("a name for the client's own records")),
    // LMDeploy, and this server's own.
    ("enable_thinking", Used),
    ("timeout", Used),
    // Chat completions: the same wish has another name here, or none.
    ("bad_words", EMPTY_LIST),
    ("best_of", ONE),
    ("functions", EMPTY_LIST),
    ("function_call", NEVER),
    ("grammar", Refused(&["\"\""])),
    ("logprobs", FALSE),
    ("max_completion_tokens", NEVER),
    ("max_tokens", NEVER),
    ("messages", EMPTY_LIST),
    ("min_new_tokens", ZERO),
    ("min_tokens", ZERO),
    ("modalities", Refused(&["[\"text\"]"])),
    ("n", ONE),
    ("reasoning_effort", NEVER),
    ("response_format", Refused(&["{\"type\": \"text\"}"])),
    ("stop_token_ids", EMPTY_LIST),
    ("verbosity", Refused(&["\"medium\""])),
    ("web_search_options", NEVER),
];

#[cfg(test)]
mod tests;
