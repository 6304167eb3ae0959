//! Every documented field of chats and completions and what this server does with it: OpenAI's API (2026), and the
//! extensions of LMDeploy, vLLM and llama.cpp. A field that is in no table is passed.

mod foreign;
mod treatment;

pub(crate) use foreign::{ELSEWHERE, FOREIGN};
pub(crate) use treatment::{
    APART, CACHE_HINT, EMPTY_LIST, EMPTY_OBJECT, EMPTY_TEXT, FALSE, MINUS_ONE, NEVER, NOT_STORED, ONE,
    ONE_BACKEND, OTHERS_NAME, Row, TRUE, Treatment, WITHOUT_EFFECT, ZERO,
};

use super::{ChatRequest, CompletionRequest};
use Treatment::{Harmless, Refused, Used};

/// A request body whose fields are known.
pub(crate) trait RequestFields {
    /// The tables of fields that several bodies treat in the same way. Default: those of chats and completions.
    const SHARED: &'static [&'static [Row]] = &[GENERATION, FOREIGN];
    /// The fields that the other bodies do not have, or treat in another way.
    const OWN: &'static [Row];

    /// Sets the time limit in seconds of a request that does not set one itself. Default: the body has no such field.
    fn set_timeout(&mut self, _seconds: f64) {}
}

impl RequestFields for ChatRequest {
    const OWN: &'static [Row] = CHAT;

    fn set_timeout(&mut self, seconds: f64) {
        self.timeout.get_or_insert(seconds);
    }
}

impl RequestFields for CompletionRequest {
    const OWN: &'static [Row] = COMPLETIONS;

    fn set_timeout(&mut self, seconds: f64) {
        self.timeout.get_or_insert(seconds);
    }
}

/// All rows of a request body.
pub(crate) fn rows<T: RequestFields>() -> impl Iterator<Item = &'static Row> {
    T::SHARED.iter().copied().flatten().chain(T::OWN)
}

const GENERATION: &[Row] = &[
    // OpenAI, both routes.
    ("model", Used),
    ("logprobs", Used),
    ("max_completion_tokens", Used),
    ("max_tokens", Used),
    ("n", Used),
    ("seed", Used),
    ("stop", Used),
    ("stream", Used),
    ("stream_options", Used),
    ("stream_options.include_usage", Used),
    ("stream_options.include_obfuscation", Harmless("padding against listeners, which nobody reads")),
    ("stream_options.continuous_usage_stats", Used),
    ("temperature", Used),
    ("top_p", Used),
    ("best_of", Used),
    ("frequency_penalty", Used),
    ("logit_bias", Used),
    ("presence_penalty", Used),
    ("user", Used),
    // OpenAI, chats; completions would change their answers as well.
    ("audio", NEVER),
    ("function_call", Refused(&["\"auto\"", "\"none\""])),
    ("functions", EMPTY_LIST),
    ("modalities", Refused(&["[\"text\"]"])),
    ("moderation", NEVER),
    ("response_format", Used),
    ("verbosity", Refused(&["\"medium\""])),
    ("web_search_options", NEVER),
    ("metadata", Used),
    ("prediction", Harmless("a guess of the answer that makes it faster, not different")),
    ("prompt_cache_key", CACHE_HINT),
    ("prompt_cache_options", CACHE_HINT),
    ("prompt_cache_retention", CACHE_HINT),
    ("safety_identifier", OTHERS_NAME),
    ("service_tier", NOT_STORED),
    ("store", NOT_STORED),
    // LMDeploy.
    ("ignore_eos", Used),
    ("min_p", Used),
    ("repetition_penalty", Used),
    ("skip_special_tokens", Used),
    ("top_k", Used),
    ("bad_words", Used),
    ("include_stop_str_in_output", Used),
    ("min_new_tokens", Used),
    ("repetition_ngram_size", Used),
    ("repetition_ngram_threshold", Used),
    ("return_logprob", Used),
    ("return_token_ids", Used),
    ("session_id", Used),
    ("spaces_between_special_tokens", Used),
    // vLLM.
    ("priority", Used),
    ("stop_token_ids", Used),
    ("cache_salt", Used),
    ("guided_choice", Used),
    ("guided_grammar", Used),
    ("guided_json", Used),
    ("guided_regex", Used),
    ("min_tokens", Used),
    ("structural_tag", Used),
    ("structured_outputs", Used),
    ("structured_outputs.choice", Used),
    ("structured_outputs.grammar", Used),
    ("structured_outputs.json", Used),
    ("structured_outputs.json_object", Used),
    ("structured_outputs.regex", Used),
    ("structured_outputs.structural_tag", Used),
    ("structured_outputs.disable_additional_properties", FALSE),
    ("structured_outputs.disable_any_whitespace", Used),
    ("structured_outputs.disable_fallback", ONE_BACKEND),
    ("structured_outputs.whitespace_pattern", NEVER),
    ("allowed_token_ids", Used),
    ("logprob_token_ids", Used),
    ("prompt_logprobs", Used),
    ("repetition_detection", Used),
    ("return_tokens_as_token_ids", Used),
    ("truncate_prompt_tokens", Used),
    ("truncation_side", Used),
    // llama.cpp.
    ("grammar", Used),
    ("json_schema", Used),
    ("n_predict", Used),
    ("timings_per_token", Used),
    // This server's own.
    ("timeout", Used),
];

const CHAT: &[Row] = &[
    ("messages", Used),
    ("tool_choice", Used),
    ("tools", Used),
    ("parallel_tool_calls", Used),
    ("reasoning_effort", Used),
    ("top_logprobs", Used),
    ("input_ids", Used),
    ("chat_template_kwargs", Used),
    ("enable_thinking", Used),
    ("add_generation_prompt", Used),
    ("continue_final_message", Used),
    ("echo", Used),
    ("include_reasoning", Used),
    ("reasoning_format", Used),
    ("thinking_token_budget", Used),
    ("reasoning_budget_tokens", Used),
    ("thinking_budget_tokens", Used),
    ("return_prompt_text", Used),
    ("add_special_tokens", FALSE),
    ("prompt", NEVER),
    ("suffix", EMPTY_TEXT),
];

const COMPLETIONS: &[Row] = &[
    ("echo", Used),
    ("prompt", Used),
    ("suffix", Used),
    ("add_special_tokens", Used),
    ("chat_template_kwargs", EMPTY_OBJECT),
    ("enable_thinking", NEVER),
    ("add_generation_prompt", TRUE),
    ("continue_final_message", FALSE),
    ("include_reasoning", TRUE),
    ("input_ids", EMPTY_LIST),
    ("messages", EMPTY_LIST),
    ("parallel_tool_calls", TRUE),
    ("reasoning_effort", NEVER),
    ("reasoning_format", APART),
    ("thinking_token_budget", MINUS_ONE),
    ("reasoning_budget_tokens", MINUS_ONE),
    ("thinking_budget_tokens", MINUS_ONE),
    ("return_prompt_text", FALSE),
    ("tool_choice", Refused(&["\"auto\"", "\"none\""])),
    ("tools", EMPTY_LIST),
    ("top_logprobs", ZERO),
];

#[cfg(test)]
mod tests;
