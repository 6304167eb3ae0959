//! The names under which templates read the reasoning of a message.

use serde_json::{Map, Value};

/// The names that clients use; the first is the one that chat templates read.
const NAMES: [&str; 3] = ["reasoning_content", "thinking", "reasoning"];

/// The message with its reasoning as `reasoning_content`, and as `thinking`, which templates of gpt-oss read:
/// transformers' `_alias_reasoning_fields`.
pub(super) fn named(message: Value) -> Value {
    let said = |name: &'static str| message.get(name).filter(|value: &&Value| !value.is_null());
    let Some(reasoning) = NAMES.into_iter().find_map(said).cloned() else { return message };
    let mut named = Map::from_iter([("thinking".to_owned(), reasoning.clone())]);
    if let Value::Object(fields) = message {
        named.extend(fields);
    }
    named.insert("reasoning_content".to_owned(), reasoning);
    Value::Object(named)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::named;

    #[test]
    fn reasoning_is_found_under_every_name() {
        // _alias_reasoning_fields of transformers 5.24
        for (message, expected) in [
            (json!({"role": "user"}), r#"{"role":"user"}"#),
            (
                json!({"role": "a", "reasoning": "r"}),
                r#"{"thinking":"r","role":"a","reasoning":"r","reasoning_content":"r"}"#,
            ),
            (json!({"thinking": "t", "role": "a"}), r#"{"thinking":"t","role":"a","reasoning_content":"t"}"#),
            (
                json!({"reasoning_content": "c", "thinking": "t"}),
                r#"{"thinking":"t","reasoning_content":"c"}"#,
            ),
        ] {
            assert_eq!(named(message).to_string(), expected);
        }
    }
}
