//! Data in the text of an answer, however it is written: T-Eval's `format_load` (OpenCompass 0.5.4, Apache-2.0).

use serde_json::Value;

use super::python_literal::literal;
use super::python_value::Python;

/// Reads a literal of Python or, failing that, JSON, also with single quotes. Only what is between the first opening
/// and the last closing bracket counts; without `brackets` the whole text does.
pub(super) fn loose_data(text: &str, brackets: Option<(char, char)>) -> Option<Python> {
    let mut text = text;
    if let Some((_, rest)) = text.split_once("```json") {
        text = rest.trim_matches('`');
    }
    if let Some((start, end)) = brackets {
        text = &text[text.find(start)?..];
        text = &text[..=text.rfind(end)?];
    }
    let json = |text: &str| serde_json::from_str::<Value>(text).ok().map(|value| Python::from(&value));
    literal(text).ok().or_else(|| json(text)).or_else(|| json(&text.replace('\'', "\"")))
}

/// Returns a value of a dictionary.
pub(super) fn field<'a>(data: &'a Python, name: &str) -> Option<&'a Python> {
    let Python::Dict(pairs) = data else { return None };
    pairs.iter().rev().find(|(key, _)| *key == Python::Text(name.to_owned())).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_json_and_both_mixed_are_read() {
        for text in [
            "{'a': True}",
            "{\"a\": true}",
            "```json\n{\"a\": true}```",
            "{'a': true}",
            "so: {'a': True} it is",
        ] {
            let brackets = text.starts_with("so").then_some(('{', '}'));
            let data = loose_data(text, brackets).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(field(&data, "a"), Some(&Python::Bool(true)), "{text}");
        }
        assert_eq!(loose_data("nothing", None), None);
        assert_eq!(loose_data("nothing", Some(('{', '}'))), None);
        assert_eq!(loose_data("}{", Some(('{', '}'))), None);
    }
}
