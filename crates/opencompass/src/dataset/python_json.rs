//! JSON as Python's `json.dumps` prints it, to the byte.

use std::fmt::Write;

use serde_json::Value;

use crate::prompt::python_str;

/// Prints a value as `json.dumps(value, sort_keys=True)` does: with `", "` and `": "` as separators and everything
/// outside ASCII escaped.
pub(super) fn python_json(value: &Value) -> String {
    let mut text = String::new();
    write_json(&mut text, value);
    text
}

fn write_json(text: &mut String, value: &Value) {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
            // Python sorts labels that are numbers as numbers, and prints them as texts.
            let numbers: Option<Vec<i64>> = fields.iter().map(|(name, _)| name.parse().ok()).collect();
            match numbers {
                Some(_) => fields.sort_by_key(|(name, _)| name.parse::<i64>().unwrap_or_default()),
                None => fields.sort_by_key(|(name, _)| name.as_str()),
            }
            text.push('{');
            for (index, (name, value)) in fields.into_iter().enumerate() {
                text.push_str(if index > 0 { ", " } else { "" });
                write_string(text, name);
                text.push_str(": ");
                write_json(text, value);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                text.push_str(if index > 0 { ", " } else { "" });
                write_json(text, item);
            }
            text.push(']');
        }
        Value::String(string) => write_string(text, string),
        Value::Number(_) => text.push_str(&python_str(value)),
        other => text.push_str(&other.to_string()),
    }
}

fn write_string(text: &mut String, string: &str) {
    text.push('"');
    for character in string.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            ' '..='~' => text.push(character),
            other => {
                for unit in other.encode_utf16(&mut [0; 2]) {
                    write!(text, "\\u{unit:04x}").expect("a String takes every write");
                }
            }
        }
    }
    text.push('"');
}
