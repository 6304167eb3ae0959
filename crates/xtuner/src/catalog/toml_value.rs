//! [`inline`]: values as TOML on one line.

use serde_json::Value;

/// The value in TOML's inline form; empty for `null`, which TOML does not have.
pub(super) fn inline(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        // JSON's strings, numbers and words are TOML's, too.
        Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(inline).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(entries) => {
            let entries = entries.iter().filter(|(_, value)| !value.is_null());
            let entries: Vec<String> =
                entries.map(|(name, value)| format!("{} = {}", key(name), inline(value))).collect();
            if entries.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", entries.join(", ")) }
        }
    }
}

/// A key as TOML writes it.
pub(super) fn key(name: &str) -> String {
    let bare = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
    if !name.is_empty() && name.chars().all(bare) { name.to_owned() } else { Value::from(name).to_string() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_kind_of_value_is_read_back() {
        let value = json!({
            "text": "a \"b\"\n\u{1}\\", "whole": -3, "small": 2e-5, "one": 1.0, "yes": true, "no.w": {"x*": 4},
            "list": [{"paths": ["清洗.json"]}, {}],
        });
        let text = format!("v = {}", inline(&value));
        let read: serde_json::Map<String, Value> = toml::from_str(&text).expect("is TOML");
        assert_eq!(read["v"], value, "{text}");
        assert_eq!(inline(&json!({"a": null})), "{}");
    }
}
