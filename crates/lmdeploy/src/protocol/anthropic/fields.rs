//! Every documented field of `POST /v1/messages` and what this server does with it: Anthropic's API (2026) with its beta
//! fields, this server's extensions, and fields of chat completions, whose clients put them here as well.

use super::super::request_fields::Treatment::{Harmless, Refused, Used};
use super::super::request_fields::{
    ELSEWHERE, EMPTY_LIST, FALSE, FOREIGN, NEVER, ONE, OTHERS_NAME, RequestFields, Row, TRUE, Treatment, ZERO,
};
use super::MessagesRequest;

impl RequestFields for MessagesRequest {
    const SHARED: &'static [&'static [Row]] = &[FOREIGN, ELSEWHERE];
    const OWN: &'static [Row] = FIELDS;

    fn set_timeout(&mut self, seconds: f64) {
        self.timeout.get_or_insert(seconds);
    }
}

const ALIKE: Treatment = Harmless("nothing is billed, and every request is served alike");

const FIELDS: &[Row] = &[
    // Anthropic.
    ("model", Used),
    ("max_tokens", Used),
    ("messages", Used),
    ("system", Used),
    ("stop_sequences", Used),
    ("stream", Used),
    ("temperature", Used),
    ("top_p", Used),
    ("top_k", Used),
    ("tools", Used),
    ("tool_choice", Used),
    ("thinking", Used),
    ("output_config", Used),
    ("output_config.effort", Used),
    ("output_config.format", Used),
    ("output_config.task_budget", NEVER),
    ("context_management", Used),
    ("metadata", Used),
    ("container", NEVER),
    ("fallbacks", EMPTY_LIST),
    ("mcp_servers", EMPTY_LIST),
    ("output_format", NEVER),
    ("cache_control", Harmless("every prompt is cached without being told to")),
    ("diagnostics", Harmless("asks for reports about the cache of another server")),
    ("inference_geo", ALIKE),
    ("service_tier", ALIKE),
    ("speed", ALIKE),
    ("user_profile_id", OTHERS_NAME),
    ("workspace_id", OTHERS_NAME),
    // This server's own, as in its other routes.
    ("seed", Used),
    ("chat_template_kwargs", Used),
    ("timeout", Used),
    ("priority", Used),
    ("cache_salt", Used),
    // LMDeploy.
    ("include_stop_str_in_output", Used),
    ("input_ids", Used),
    ("return_logprob", Used),
    ("return_token_ids", Used),
    // Chat completions: the same wish has another name here, or none.
    ("frequency_penalty", ZERO),
    ("logit_bias", Refused(&["{}"])),
    ("min_p", ZERO),
    ("presence_penalty", ZERO),
    ("repetition_penalty", ONE),
    ("stop", EMPTY_LIST),
    ("add_special_tokens", FALSE),
    ("bad_words", EMPTY_LIST),
    ("enable_thinking", NEVER),
    ("ignore_eos", FALSE),
    ("max_output_tokens", NEVER),
    ("min_new_tokens", ZERO),
    ("min_tokens", ZERO),
    ("parallel_tool_calls", TRUE),
    ("repetition_ngram_size", ZERO),
    ("skip_special_tokens", TRUE),
    ("stop_token_ids", EMPTY_LIST),
    ("structured_outputs", NEVER),
    ("top_logprobs", ZERO),
];

#[cfg(test)]
mod tests;
