//! [`field`]: a message of the JSON reader in the words of the API instead of those of its types.

use crate::Error;

/// The refusal of a value at `path`, which is `.` for the body itself.
pub(super) fn field(path: &str, error: &serde_json::Error) -> Error {
    let text = error.to_string();
    // The path says more than line and column.
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _place)| text);
    if let Some(name) = quoted(text, "missing field ") {
        let place = if path == "." { name.to_owned() } else { format!("{path}.{name}") };
        return Error::field(place, "found nothing, expected a value");
    }
    if let Some(name) = quoted(text, "duplicate field ") {
        return Error::field(name, "found twice, expected once");
    }
    let wrong = text.strip_prefix("invalid type: ").or_else(|| text.strip_prefix("invalid value: "));
    match wrong.and_then(|wrong| wrong.rsplit_once(", expected ")) {
        Some((found, expected)) => {
            Error::field(path, format!("found {}, expected {}", value(found), kind(expected)))
        }
        None => Error::field(path, text),
    }
}

/// The name in backquotes after `start`.
fn quoted<'a>(text: &'a str, start: &str) -> Option<&'a str> {
    text.strip_prefix(start)?.strip_prefix('`')?.strip_suffix('`')
}

/// What was found, without the name of its type.
fn value(found: &str) -> &str {
    let named = ["integer ", "floating point ", "boolean "].iter().find_map(|kind| quoted(found, kind));
    match (named, found) {
        (Some(value), _) => value,
        (None, "map") => "a JSON object",
        (None, "sequence") => "a list",
        (None, "unit value") => "null",
        (None, other) => other.strip_prefix("string ").unwrap_or(other),
    }
}

/// What was expected, in the words of JSON.
fn kind(expected: &str) -> &str {
    match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number of at least 0",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "a JSON object",
        other if other.starts_with("struct ") => "a JSON object",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{ChatRequest, CompletionRequest};

    fn message<T: serde::de::DeserializeOwned>(body: &str) -> String {
        let mut deserializer = serde_json::Deserializer::from_str(body);
        let error = serde_path_to_error::deserialize::<_, T>(&mut deserializer).err().expect("is wrong");
        let path = error.path().to_string();
        field(&path, &error.into_inner()).to_string()
    }

    #[test]
    fn no_word_of_the_implementation_reaches_the_client() {
        let chat = |fields: &str| message::<ChatRequest>(&format!("{{\"messages\": [], {fields}}}"));
        assert_eq!(chat("\"temperature\": \"hot\""), "temperature: found \"hot\", expected a number");
        assert_eq!(chat("\"stream\": 1"), "stream: found 1, expected true or false");
        assert_eq!(
            chat("\"stop_token_ids\": [1, -2]"),
            "stop_token_ids[1]: found -2, expected a whole number of at least 0"
        );
        assert_eq!(chat("\"stop_token_ids\": {}"), "stop_token_ids: found a JSON object, expected a list");
        assert_eq!(
            chat("\"max_tokens\": \"many\""),
            "max_tokens: found \"many\", expected a whole number from 0 to 4294967295"
        );
        assert_eq!(chat("\"model\": null"), "model: found null, expected a string");
        assert_eq!(chat("\"seed\": 1, \"seed\": 2"), "seed: found twice, expected once");
        assert_eq!(message::<ChatRequest>("{}"), "messages: found nothing, expected a value");
        assert_eq!(
            message::<ChatRequest>("{\"messages\": [{\"content\": \"a\"}]}"),
            "messages[0].role: found nothing, expected a value"
        );
        let prompt = message::<CompletionRequest>("{\"prompt\": 3}");
        assert!(prompt.starts_with("prompt: expected a string, a list of strings"), "{prompt}");
    }
}
