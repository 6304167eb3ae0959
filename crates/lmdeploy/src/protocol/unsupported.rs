//! [`unsupported`]: fields of OpenAI's API and of other servers that would change the answer and that this server does
//! not have. They are refused unless their value asks for nothing.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

/// A field that is refused, and its values as JSON that change nothing. Null always changes nothing.
type Field = (&'static str, &'static [&'static str]);

/// Fields of both routes. What is not here and not in the request types says nothing about the answer (`user`,
/// `metadata`, `store`, `service_tier`, `prompt_cache_key`, ..) and is ignored.
#[rustfmt::skip]
const FIELDS: &[Field] = &[
    // OpenAI.
    ("audio", &[]),
    ("best_of", &["1"]),
    ("frequency_penalty", &["0"]),
    ("function_call", &["\"auto\"", "\"none\""]),
    ("functions", &["[]"]),
    ("logit_bias", &["{}"]),
    ("modalities", &["[\"text\"]"]),
    ("parallel_tool_calls", &["true"]),
    ("presence_penalty", &["0"]),
    ("reasoning_effort", &[]),
    ("response_format", &["{\"type\": \"text\"}"]),
    ("verbosity", &["\"medium\""]),
    ("web_search_options", &[]),
    // LMDeploy.
    ("adapter_name", &["\"\""]),
    ("bad_words", &["[]"]),
    ("do_preprocess", &["true"]),
    ("enable_thinking", &[]),
    ("include_stop_str_in_output", &["false"]),
    ("input_ids", &["[]"]),
    ("logits_processors", &["[]"]),
    ("min_new_tokens", &["0"]),
    ("repetition_ngram_size", &["0"]),
    ("repetition_ngram_threshold", &["0"]),
    ("return_logprob", &["false"]),
    ("return_token_ids", &["false"]),
    ("spaces_between_special_tokens", &["true"]),
    // Shared with vLLM.
    ("add_generation_prompt", &["true"]),
    ("add_special_tokens", &[]),
    ("allowed_token_ids", &[]),
    ("chat_template", &[]),
    ("chat_template_kwargs", &["{}"]),
    ("continue_final_message", &["false"]),
    ("documents", &["[]"]),
    ("guided_choice", &[]),
    ("guided_grammar", &[]),
    ("guided_json", &[]),
    ("guided_regex", &[]),
    ("length_penalty", &["1"]),
    ("min_tokens", &["0"]),
    ("prompt_logprobs", &[]),
    ("structured_outputs", &[]),
    ("truncate_prompt_tokens", &[]),
    ("use_beam_search", &["false"]),
];

/// A field that was sent and is not supported.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Unsupported {
    /// Its name in the body.
    pub(crate) name: &'static str,
    /// What was sent.
    pub(crate) found: Value,
    /// The values that are taken, in words.
    pub(crate) expected: String,
}

/// The first field of a request's body that asks for something this server does not do.
///
/// # Errors
/// `body` is not a JSON object.
pub(crate) fn unsupported(body: &[u8]) -> serde_json::Result<Option<Unsupported>> {
    serde_json::from_slice(body).map(|Found(found)| found)
}

struct Found(Option<Unsupported>);

impl<'de> Deserialize<'de> for Found {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Body)
    }
}

/// Keeps nothing of a body but the value of a refused field.
struct Body;

impl<'de> Visitor<'de> for Body {
    type Value = Found;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Found, A::Error> {
        let mut found = None;
        while let Some(key) = map.next_key::<String>()? {
            let Some(field) = FIELDS.iter().find(|(name, _)| *name == key) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let value: Value = map.next_value()?;
            found = found.or(refused(*field, value).map_err(A::Error::custom)?);
        }
        Ok(Found(found))
    }
}

fn refused((name, neutral): Field, found: Value) -> serde_json::Result<Option<Unsupported>> {
    for text in neutral {
        if same(&serde_json::from_str(text)?, &found) {
            return Ok(None);
        }
    }
    if found.is_null() {
        return Ok(None);
    }
    let expected = match neutral {
        [] => "the field to be absent".to_owned(),
        values => format!("{} or the field to be absent", values.join(", ")),
    };
    Ok(Some(Unsupported { name, found, expected }))
}

/// Equality of JSON, in which 0 and 0.0 are one number.
fn same(left: &Value, right: &Value) -> bool {
    match (left.as_f64(), right.as_f64()) {
        (Some(left), Some(right)) => left == right,
        _ => left == right,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{ChatRequest, CompletionRequest};

    /// Documented fields that this server has, by what happens to them.
    const USED: [&str; 26] = [
        "echo",
        "ignore_eos",
        "logprobs",
        "max_completion_tokens",
        "max_tokens",
        "messages",
        "min_p",
        "model",
        "n",
        "priority",
        "prompt",
        "repetition_penalty",
        "seed",
        "skip_special_tokens",
        "stop",
        "stop_token_ids",
        "stream",
        "stream_options",
        "suffix",
        "temperature",
        "timeout",
        "tool_choice",
        "tools",
        "top_k",
        "top_logprobs",
        "top_p",
    ];
    /// Fields that say nothing about the answer.
    const HARMLESS: [&str; 9] = [
        "metadata",
        "prediction",
        "prompt_cache_key",
        "safety_identifier",
        "service_tier",
        "session_id",
        "store",
        "user",
        "request_id",
    ];

    fn found(body: &str) -> Option<&'static str> {
        unsupported(body.as_bytes()).expect("an object").map(|found| found.name)
    }

    #[test]
    fn every_field_is_used_refused_or_harmless_and_nothing_twice() {
        let mut names: Vec<&str> = FIELDS.iter().map(|(name, _)| *name).collect();
        names.extend(USED);
        names.extend(HARMLESS);
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        for name in USED.iter().chain(&HARMLESS) {
            assert_eq!(found(&format!("{{\"{name}\": 7}}")), None, "{name}");
        }
        // A field that is used has a type, which `{"a": 1}` is not; only `tool_choice` may be an object.
        for name in USED.iter().filter(|name| **name != "tool_choice") {
            let body = |first: &str| format!("{{{first}\"{name}\": {{\"a\": 1}}}}");
            let chat = serde_json::from_str::<ChatRequest>(&body(if *name == "messages" {
                ""
            } else {
                "\"messages\": [], "
            }));
            let text = serde_json::from_str::<CompletionRequest>(&body(if *name == "prompt" {
                ""
            } else {
                "\"prompt\": \"a\", "
            }));
            let takes = *name == "stream_options";
            assert_eq!(chat.is_ok() && text.is_ok(), takes, "{name}");
        }
    }

    #[test]
    fn values_that_ask_for_nothing_pass_and_others_are_refused_by_name() {
        for (name, neutral) in FIELDS {
            for value in neutral.iter().chain(&["null"]) {
                assert_eq!(
                    found(&format!("{{\"model\": \"m\", \"{name}\": {value}}}")),
                    None,
                    "{name}: {value}"
                );
            }
            assert_eq!(found(&format!("{{\"{name}\": 7, \"model\": \"m\"}}")), Some(*name));
        }
        assert_eq!(found("{\"presence_penalty\": 0.0, \"frequency_penalty\": -0.0}"), None);
        let refused = unsupported(b"{\"best_of\": 4}").expect("an object").expect("is refused");
        assert_eq!(
            (refused.found.to_string().as_str(), refused.expected.as_str()),
            ("4", "1 or the field to be absent")
        );
    }

    #[test]
    fn only_an_object_has_fields() {
        assert!(unsupported(b"[1]").is_err() && unsupported(b"{\"audio\": ").is_err());
    }
}
