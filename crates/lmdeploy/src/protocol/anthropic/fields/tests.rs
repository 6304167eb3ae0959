//! The table against the request type, and what it does with bodies.

use std::collections::BTreeSet;

use super::*;
use crate::protocol::request_fields::rows;
use crate::protocol::unsupported::unsupported;

/// Anthropic's messages: the keys of `MessageCreateParams` in its Python package 2.14.
const ANTHROPIC: &str = "cache_control container diagnostics inference_geo max_tokens messages metadata model \
    output_config service_tier speed stop_sequences stream system temperature thinking tool_choice tools top_k \
    top_p user_profile_id workspace_id";

/// A request with every field, none of them null.
const ALL: &str = r#"{"model": "m", "max_tokens": 1, "messages": [], "system": "a", "stop_sequences": [],
    "stream": true, "temperature": 1, "top_p": 1, "top_k": 1, "tools": [], "tool_choice": {}, "thinking": {},
    "output_config": {}, "context_management": {}, "metadata": {}, "seed": 1, "chat_template_kwargs": {}, "timeout": 1, "priority": 1,
    "cache_salt": "b", "input_ids": [1], "return_token_ids": true, "return_logprob": true,
    "include_stop_str_in_output": true}"#;

fn refused(body: &str) -> Option<&'static str> {
    unsupported::<MessagesRequest>(body.as_bytes()).expect("an object").map(|found| found.name)
}

#[test]
fn every_documented_field_has_one_row() {
    let names: Vec<&str> = rows::<MessagesRequest>().map(|(name, _)| *name).collect();
    let unique: BTreeSet<&str> = names.iter().copied().collect();
    assert_eq!(unique.len(), names.len(), "every field once");
    for name in ANTHROPIC.split_whitespace() {
        assert!(unique.contains(name), "{name}");
    }
}

#[test]
fn the_used_fields_are_those_of_the_request() {
    let request: MessagesRequest = serde_json::from_str(ALL).expect("a request");
    let written = serde_json::to_value(&request).expect("writes");
    let written: BTreeSet<&str> =
        written.as_object().expect("an object").keys().map(String::as_str).collect();
    let used = rows::<MessagesRequest>().filter(|(name, row)| *row == Used && !name.contains('.'));
    assert_eq!(used.map(|(name, _)| *name).collect::<BTreeSet<_>>(), written);
    assert_eq!(refused(ALL), None);
}

#[test]
fn what_is_not_done_is_refused_by_name() {
    for (body, name) in [
        (r#"{"container": "c"}"#, "container"),
        (r#"{"mcp_servers": [{"url": "http://a"}]}"#, "mcp_servers"),
        (r#"{"output_config": {"effort": "low", "task_budget": {}}}"#, "output_config.task_budget"),
        (r#"{"n": 2}"#, "n"),
        (r#"{"structured_outputs": {"regex": "a"}}"#, "structured_outputs"),
        (r#"{"grammar": "start: \"a\""}"#, "grammar"),
    ] {
        assert_eq!(refused(body), Some(name));
    }
    let neutral = r#"{"mcp_servers": [], "cache_control": {"type": "ephemeral"}, "n": 1.0, "unheard_of": 1}"#;
    assert_eq!(refused(neutral), None);
}
