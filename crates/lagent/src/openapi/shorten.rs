//! Results that fit into a prompt: long lists and texts inside of JSON lose their ends, and say so.

use serde_json::Value;

/// Steps from mild to strong: the number of items of a list, and of characters of a text.
const STEPS: [(usize, usize); 6] = [(100, 2000), (30, 600), (12, 300), (6, 150), (3, 80), (1, 40)];

/// The text of a value in at most `limit` characters, with a note if anything is missing.
pub(super) fn fitting(value: &Value, limit: usize) -> String {
    let whole = value.to_string();
    let length = whole.chars().count();
    if length <= limit {
        return whole;
    }
    for (items, characters) in STEPS {
        let text = cut(value, items, characters).to_string();
        let shown = text.chars().count();
        if shown <= limit {
            return format!("{text}\n(shortened: {shown} of {length} characters)");
        }
    }
    beginning(&whole, limit)
}

/// The beginning of a text in at most `limit` characters, with a note if anything is missing.
pub(super) fn beginning(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        None => text.to_owned(),
        Some((end, _)) => {
            format!("{} ...\n(shortened: {limit} of {} characters)", &text[..end], text.chars().count())
        }
    }
}

fn cut(value: &Value, items: usize, characters: usize) -> Value {
    match value {
        Value::Array(list) => {
            let mut kept: Vec<Value> =
                list.iter().take(items).map(|item| cut(item, items, characters)).collect();
            if list.len() > items {
                kept.push(Value::String(format!("... {} more", list.len() - items)));
            }
            Value::Array(kept)
        }
        Value::Object(fields) => Value::Object(
            fields.iter().map(|(name, value)| (name.clone(), cut(value, items, characters))).collect(),
        ),
        Value::String(text) => match text.char_indices().nth(characters) {
            Some((end, _)) => Value::String(format!("{}...", &text[..end])),
            None => value.clone(),
        },
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn short_results_stay_whole() {
        assert_eq!(fitting(&json!({"a": [1, 2]}), 100), "{\"a\":[1,2]}");
        assert_eq!(beginning("äöü", 3), "äöü");
    }

    #[test]
    fn long_results_say_what_is_missing() {
        let value = json!({"items": (0..1000).collect::<Vec<_>>(), "text": "x".repeat(5000)});
        let text = fitting(&value, 500);
        assert!(text.starts_with("{\"items\":[0,1,2") && text.contains("more\"]"), "{text}");
        assert!(text.contains("(shortened: "), "{text}");
        let wide: Value = (0..1000).map(|number| (format!("field{number}"), json!(number))).collect();
        let text = fitting(&wide, 50);
        assert!(text.starts_with("{\"field0\":0,") && text.contains("(shortened: 50 of "), "{text}");
        assert!(beginning("äöü", 2).starts_with("äö ...\n"));
    }
}
