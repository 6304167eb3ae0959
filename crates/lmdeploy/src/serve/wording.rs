//! [`refusal`]: a message of the JSON reader in the words of the API instead of those of its types.

use internlm_kit::json::{mismatch, quoted};
use serde_json::Value;
use serde_path_to_error::{Path, Segment};

use crate::Error;

/// Maximum number of characters of a value that a message shows.
const SHOWN: usize = 60;
/// Maximum number of characters of a path that a message shows: names may be as long as the body.
const SHOWN_PATH: usize = 200;

/// The refusal of a body that cannot be read as a request.
pub(super) fn refusal(body: &[u8], error: &serde_path_to_error::Error<serde_json::Error>) -> Error {
    // What is not JSON has no fields. The other way round, some types report a wrong value as if it were not JSON.
    match serde_json::from_slice(body) {
        Ok(body) => field(&body, error.path(), error.inner()),
        Err(error) => syntax(&error),
    }
}

/// The refusal of a body that is not JSON.
pub(super) fn syntax(error: &serde_json::Error) -> Error {
    let reason = match reason(error) {
        _ if error.is_eof() => "it ends too early".to_owned(),
        reason if reason == "expected value" || reason == "expected ident" => "found no value".to_owned(),
        // Of serde_json.
        reason if reason == "recursion limit exceeded" => "it is nested more than 127 levels deep".to_owned(),
        reason => reason,
    };
    let message = format!("invalid JSON body: {reason} at line {} column {}", error.line(), error.column());
    Error::Refused { status: 400, message, param: None }
}

/// The refusal of a value of `body`; `path` is empty for the body itself.
fn field(body: &Value, path: &Path, error: &serde_json::Error) -> Error {
    let (place, text): (String, _) = (path.to_string().chars().take(SHOWN_PATH).collect(), reason(error));
    let inside = |name: &str| if place == "." { name.to_owned() } else { format!("{place}.{name}") };
    if let Some(name) = quoted(&text, "missing field ") {
        return Error::field(inside(name), "found nothing, expected a value");
    }
    if let Some(name) = quoted(&text, "duplicate field ") {
        return Error::field(inside(name), "found twice, expected once");
    }
    if let Some(message) = mismatch(&text) {
        return Error::field(place, message);
    }
    // These messages say what is expected, and not what was found.
    let expected = match text.strip_prefix("expected ") {
        // What the names of an enum are read from.
        _ if error.is_syntax() => Some("a string"),
        None if text.starts_with("unknown variant ") => {
            text.rsplit_once(", expected ").map(|(_, expected)| expected)
        }
        expected => expected,
    };
    match (at(body, path), expected) {
        (Some(found), Some(expected)) => {
            Error::field(place, format!("found {}, expected {expected}", shown(found)))
        }
        _ => Error::field(place, text),
    }
}

/// The message without line and column: a path says more.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((reason, _place)) if error.line() > 0 => reason.to_owned(),
        _ => text,
    }
}

/// The value at a place of a body.
fn at<'v>(body: &'v Value, path: &Path) -> Option<&'v Value> {
    path.iter().try_fold(body, |value, segment| match segment {
        Segment::Seq { index } => value.get(*index),
        Segment::Map { key } => value.get(key.as_str()),
        Segment::Enum { .. } | Segment::Unknown => None,
    })
}

/// A value as it was sent, or its kind when it is long.
pub(super) fn shown(value: &Value) -> String {
    let text = value.to_string();
    match value {
        _ if text.chars().count() <= SHOWN => text,
        Value::Object(_) => "a JSON object".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        _ => "a string".to_owned(),
    }
}

/// What a field is about, in words: `return_routed_experts` asks for routed experts.
pub(super) fn subject(name: &str) -> String {
    let name = name.rsplit('.').next().unwrap_or(name);
    let bare = ["return_", "use_"].iter().find_map(|verb| name.strip_prefix(*verb)).unwrap_or(name);
    bare.replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{ChatRequest, CompletionRequest};

    fn message<T: serde::de::DeserializeOwned>(body: &str) -> String {
        let mut deserializer = serde_json::Deserializer::from_str(body);
        let error = serde_path_to_error::deserialize::<_, T>(&mut deserializer).err().expect("is wrong");
        refusal(body.as_bytes(), &error).to_string()
    }

    #[test]
    fn no_word_of_the_implementation_reaches_the_client() {
        let chat = |fields: &str| message::<ChatRequest>(&format!("{{\"messages\": [], {fields}}}"));
        assert_eq!(chat("\"temperature\": \"hot\""), "temperature: found \"hot\", expected a number");
        assert_eq!(chat("\"stream\": 1"), "stream: found 1, expected true or false");
        assert_eq!(
            chat("\"stop_token_ids\": [1, -2]"),
            "stop_token_ids[1]: found -2, expected a whole number from 0 to 4294967295"
        );
        assert_eq!(chat("\"stop_token_ids\": {}"), "stop_token_ids: found a JSON object, expected a list");
        assert_eq!(
            chat("\"max_tokens\": \"many\""),
            "max_tokens: found \"many\", expected a whole number from 0 to 4294967295"
        );
        assert_eq!(chat("\"model\": 7"), "model: found 7, expected a string");
        assert_eq!(chat("\"seed\": 1, \"seed\": 2"), "seed: found twice, expected once");
        assert_eq!(message::<ChatRequest>("{}"), "messages: found nothing, expected a value");
        assert_eq!(
            message::<ChatRequest>("{\"messages\": [{\"content\": \"a\"}]}"),
            "messages[0].role: found nothing, expected a value"
        );
        let prompt = message::<CompletionRequest>("{\"prompt\": 3}");
        assert!(prompt.starts_with("prompt: found 3, expected a string, a list of strings"), "{prompt}");
    }

    #[test]
    fn what_was_found_is_shown_whatever_the_type_reports() {
        let chat = |fields: &str| message::<ChatRequest>(&format!("{{\"messages\": [], {fields}}}"));
        assert_eq!(chat("\"stop\": [1]"), "stop: found [1], expected a string or a list of strings");
        let long = format!("\"stop\": [{}7]", "7, ".repeat(SHOWN));
        assert_eq!(chat(&long), "stop: found a list, expected a string or a list of strings");
        let role = |value: &str| {
            message::<ChatRequest>(&format!("{{\"messages\": [{{\"content\": \"a\", \"role\": {value}}}]}}"))
        };
        let roles = "`system`, `developer`, `user`, `assistant`, `tool`, `environment`, `function`";
        assert_eq!(role("\"king\""), format!("messages[0].role: found \"king\", expected one of {roles}"));
        for value in ["null", "true", "-1", "[]", "{}"] {
            assert_eq!(role(value), format!("messages[0].role: found {value}, expected a string"));
        }
        assert_eq!(role("\"user\", \"role\": \"user\""), "messages[0].role: found twice, expected once");
        let content = message::<ChatRequest>("{\"messages\": [{\"role\": \"user\", \"content\": true}]}");
        assert_eq!(
            content,
            "messages[0].content: found true, expected a string, null or a list of content parts"
        );
    }

    #[test]
    fn a_field_is_named_by_its_subject() {
        for (name, words) in [
            ("return_routed_experts", "routed experts"),
            ("use_beam_search", "beam search"),
            ("stream_options.include_timings", "include timings"),
            ("audio", "audio"),
        ] {
            assert_eq!(subject(name), words);
        }
    }

    #[test]
    fn what_is_not_json_is_told_in_words_about_json() {
        for (body, expected) in [
            ("{", "it ends too early at line 1 column 1"),
            ("{\n\"messages\": [", "it ends too early at line 2 column 13"),
            ("{\"messages\": [}", "found no value at line 1 column 15"),
            ("{\"messages\": [], \"n\": NaN}", "found no value at line 1 column 23"),
            ("{\"messages\": [], \"n\": nan}", "found no value at line 1 column 24"),
            ("{\"messages\": [],}", "trailing comma at line 1 column 17"),
            ("{'messages': []}", "key must be a string at line 1 column 2"),
        ] {
            assert_eq!(message::<ChatRequest>(body), format!("invalid JSON body: {expected}"), "{body}");
        }
    }
}
