//! The table against the request type, and what it does with bodies.

use std::collections::BTreeSet;

use super::*;
use crate::protocol::request_fields::rows;
use crate::protocol::unsupported::unsupported;

/// OpenAI's responses: the keys of `ResponseCreateParams` in its Python package 3.57.
const OPENAI: &str = "access_programs background background_options context_management conversation image include \
    input instructions max_output_tokens max_tool_calls metadata model moderation parallel_tool_calls \
    previous_response_id prompt prompt_cache_key prompt_cache_options prompt_cache_retention reasoning \
    safety_identifier service_tier store stream stream_options temperature text tool_choice tools top_logprobs \
    top_p truncation user";

/// A request with every field, none of them null.
const ALL: &str = r#"{"model": "m", "input": "a", "instructions": "b", "previous_response_id": "c", "store": true,
    "tools": [], "tool_choice": "auto", "parallel_tool_calls": true, "text": {}, "reasoning": {}, "include": [],
    "truncation": "auto", "stream": true, "max_output_tokens": 1, "max_tool_calls": 1, "temperature": 1,
    "top_p": 1, "top_k": 1, "min_p": 1, "repetition_penalty": 1, "presence_penalty": 1, "frequency_penalty": 1,
    "logit_bias": {}, "seed": 1, "stop": "d", "ignore_eos": true, "skip_special_tokens": true, "top_logprobs": 1,
    "chat_template_kwargs": {}, "enable_thinking": true, "timeout": 1, "priority": 1, "cache_salt": "e",
    "stop_token_ids": [1], "bad_words": ["k"], "min_tokens": 1, "include_stop_str_in_output": true,
    "structured_outputs": {}, "metadata": {"f": "g"}, "user": "h", "safety_identifier": "i", "prompt_cache_key": "j"}"#;

fn refused(body: &str) -> Option<&'static str> {
    unsupported::<ResponsesRequest>(body.as_bytes()).expect("an object").map(|found| found.name)
}

#[test]
fn every_documented_field_has_one_row() {
    let names: Vec<&str> = rows::<ResponsesRequest>().map(|(name, _)| *name).collect();
    let unique: BTreeSet<&str> = names.iter().copied().collect();
    assert_eq!(unique.len(), names.len(), "every field once");
    for name in OPENAI.split_whitespace() {
        assert!(unique.contains(name), "{name}");
    }
}

#[test]
fn the_used_fields_are_those_of_the_request() {
    let request: ResponsesRequest = serde_json::from_str(ALL).expect("a request");
    let written = serde_json::to_value(&request).expect("writes");
    let written: BTreeSet<&str> =
        written.as_object().expect("an object").keys().map(String::as_str).collect();
    let used = rows::<ResponsesRequest>().filter(|(name, row)| *row == Used && !name.contains('.'));
    assert_eq!(used.map(|(name, _)| *name).collect::<BTreeSet<_>>(), written);
    assert_eq!(refused(ALL), None);
}

#[test]
fn what_is_not_done_is_refused_by_name() {
    for (body, name) in [
        (r#"{"background": true}"#, "background"),
        (r#"{"conversation": "conv_1"}"#, "conversation"),
        (r#"{"prompt": {"id": "p"}}"#, "prompt"),
        (r#"{"max_tokens": 5}"#, "max_tokens"),
        (r#"{"text": {"verbosity": "low"}}"#, "text.verbosity"),
        (r#"{"reasoning": {"effort": "low", "summary": "detailed"}}"#, "reasoning.summary"),
        (r#"{"n": 2}"#, "n"),
    ] {
        assert_eq!(refused(body), Some(name));
    }
    let neutral = r#"{"background": false, "conversation": null, "text": {"verbosity": "medium"}, "n": 1.0,
        "reasoning": {"summary": "auto"}, "stream_options": {"include_obfuscation": false}, "unheard_of": 1}"#;
    assert_eq!(refused(neutral), None);
}
