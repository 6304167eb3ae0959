//! [`merge`]: parts of a config put over each other.

use serde_json::{Map, Value};

/// Puts `over` on `base`: tables are joined, other values replaced, and an empty text removes a key.
pub(super) fn merge(base: &mut Map<String, Value>, over: &Map<String, Value>) {
    for (key, value) in over {
        match (base.get_mut(key), value) {
            (Some(Value::Object(base)), Value::Object(over)) => merge(base, over),
            (_, Value::String(text)) if text.is_empty() => {
                base.shift_remove(key);
            }
            (_, Value::Object(over)) => {
                let mut table = Map::new();
                merge(&mut table, over);
                base.insert(key.clone(), Value::Object(table));
            }
            (_, value) => {
                base.insert(key.clone(), value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tables_are_joined_and_empty_texts_remove() {
        let object = |value: Value| value.as_object().expect("an object").clone();
        let mut base = object(json!({"a": {"x": 1, "y": 2, "z": 3}, "b": 1}));
        merge(&mut base, &object(json!({"a": {"y": "", "z": 4}, "b": [2], "c": {"d": "", "e": 5}})));
        assert_eq!(Value::Object(base), json!({"a": {"x": 1, "z": 4}, "b": [2], "c": {"e": 5}}));
    }
}
