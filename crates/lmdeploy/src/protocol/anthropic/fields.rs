//! Every documented field of `POST /v1/messages` and what this server does with it: Anthropic's API (2026) with its beta
//! fields, this server's extensions, and fields of chat completions, whose clients put them here as well.

use super::super::request_fields::Treatment::{Harmless, Refused, Used};
use super::super::request_fields::{RequestFields, Row, Treatment};
use super::MessagesRequest;

impl RequestFields for MessagesRequest {
    const SHARED: &'static [Row] = &[];
    const OWN: &'static [Row] = FIELDS;

    fn set_timeout(&mut self, seconds: f64) {
        self.timeout.get_or_insert(seconds);
    }
}

/// Every value but null asks for something.
const NEVER: Treatment = Refused(&[]);
const EMPTY_LIST: Treatment = Refused(&["[]"]);
const ONE: Treatment = Refused(&["1"]);
const ZERO: Treatment = Refused(&["0"]);

const ALIKE: Treatment = Harmless("nothing is billed, and every request is served alike");
const OTHERS_NAME: Treatment = Harmless("a name for the client's own records");

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
    ("metadata", Used),
    ("container", NEVER),
    ("context_management", NEVER),
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
    // Chat completions: the same wish has another name here, or none.
    ("frequency_penalty", ZERO),
    ("logit_bias", Refused(&["{}"])),
    ("max_completion_tokens", NEVER),
    ("min_p", ZERO),
    ("n", ONE),
    ("presence_penalty", ZERO),
    ("reasoning_effort", NEVER),
    ("repetition_penalty", ONE),
    ("response_format", Refused(&["{\"type\": \"text\"}"])),
    ("stop", EMPTY_LIST),
];

#[cfg(test)]
mod tests;
