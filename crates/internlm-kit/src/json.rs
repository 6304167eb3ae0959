//! What the JSON reader says, in the words of JSON instead of those of its types.

/// What is wrong with a JSON text, with line and column where the reader knows them.
///
/// ```
/// use internlm_kit::json::reason;
///
/// let read = |text: &str| serde_json::from_str::<Vec<u32>>(text).map_err(|error| reason(&error));
/// assert_eq!(read("[1, -2]"), Err("found -2, expected a whole number of at least 0 at line 1 column 6".to_owned()));
/// assert_eq!(read("7"), Err("found 7, expected a list at line 1 column 1".to_owned()));
/// assert_eq!(read("[1,"), Err("found the end of the text at line 1 column 3".to_owned()));
/// ```
#[must_use]
pub fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let (text, place) = match text.rsplit_once(" at line ") {
        Some((text, place)) if error.line() > 0 => (text, format!(" at line {place}")),
        _ => (text.as_str(), String::new()),
    };
    let words = match text {
        _ if error.is_eof() => "found the end of the text".to_owned(),
        "expected value" | "expected ident" => "found no JSON value".to_owned(),
        text => mismatch(text).unwrap_or_else(|| text.to_owned()),
    };
    words + &place
}

/// `invalid type: X, expected Y` and `invalid value: X, expected Y` in the words of JSON; `None` for other messages.
#[must_use]
pub fn mismatch(text: &str) -> Option<String> {
    let wrong = text.strip_prefix("invalid type: ").or_else(|| text.strip_prefix("invalid value: "))?;
    let (found, expected) = wrong.rsplit_once(", expected ")?;
    Some(format!("found {}, expected {}", value(found), kind(expected)))
}

/// The name in backquotes that follows `start`, if the text has nothing else.
#[must_use]
pub fn quoted<'a>(text: &'a str, start: &str) -> Option<&'a str> {
    text.strip_prefix(start)?.strip_prefix('`')?.strip_suffix('`')
}

/// What was found, without the name of its type.
fn value(found: &str) -> &str {
    let named = ["integer ", "floating point ", "boolean "].iter().find_map(|kind| quoted(found, kind));
    match (named, found) {
        (Some(value), _) => value,
        (None, "map") => "a JSON object",
        (None, "sequence") => "a list",
        (None, "unit value" | "null") => "null",
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
    use serde::Deserialize;
    use serde::de::DeserializeOwned;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Options {
        _usage: bool,
    }

    fn told<T: DeserializeOwned + std::fmt::Debug>(text: &str) -> String {
        reason(&serde_json::from_str::<T>(text).expect_err("it is wrong"))
    }

    #[test]
    fn types_have_the_names_of_json() {
        assert_eq!(told::<f64>("\"hot\""), "found \"hot\", expected a number at line 1 column 5");
        assert_eq!(told::<Options>("3"), "found 3, expected a JSON object at line 1 column 1");
        assert_eq!(told::<Options>("{\"_usage\": 1}"), "found 1, expected true or false at line 1 column 12");
        assert_eq!(told::<Vec<u8>>("{}"), "found a JSON object, expected a list at line 1 column 0");
        assert_eq!(told::<String>("null"), "found null, expected a string at line 1 column 4");
        assert_eq!(told::<Vec<u8>>("x"), "found no JSON value at line 1 column 1");
        assert_eq!(told::<Options>("{}"), "missing field `_usage` at line 1 column 2");
    }
}
