//! Calls in other forms than OpenAI's: texts of calls in conversations, and parts of type `tool_call` in contents.

use internlm_model::chat::json_kind;
use serde_json::{Map, Value, json};

use crate::dataset::format::Problem;

/// What a text of a call is expected to be.
const CALL: &str = r#"a call {"name": .., "arguments": {..}}, or a list of them"#;

/// The calls in `value`, an object, a list, or one of them as JSON text, in OpenAI's form.
///
/// # Errors
/// What is not a call, with its place.
pub(in crate::dataset) fn calls_of(value: &Value, place: &str) -> Result<Value, Problem> {
    let decoded: Value;
    let value = match value {
        Value::String(text) => {
            decoded = serde_json::from_str(text)
                .map_err(|error| (format!("{place}: text that is not JSON ({error})"), CALL.to_owned()))?;
            &decoded
        }
        other => other,
    };
    match value {
        Value::Array(calls) if calls.is_empty() => Err((format!("{place}: an empty list"), CALL.to_owned())),
        Value::Array(calls) => {
            let numbered = calls.iter().enumerate();
            numbered.map(|(index, call)| call_of(call, &format!("{place}.{index}"))).collect()
        }
        call => Ok(Value::Array(vec![call_of(call, place)?])),
    }
}

fn call_of(call: &Value, place: &str) -> Result<Value, Problem> {
    let problem = |found: &str| (format!("{place}: {found}"), CALL.to_owned());
    let Value::Object(outer) = call else { return Err(problem(json_kind(call))) };
    // With OpenAI's wrapper around it, or without.
    let inner = outer.get("function").and_then(Value::as_object).unwrap_or(outer);
    let Some(Value::String(name)) = inner.get("name") else { return Err(problem("a call without `name`")) };
    let arguments = match (inner.get("arguments"), inner.get("parameters")) {
        (Some(_), Some(_)) => return Err(problem("`arguments` next to `parameters`")),
        (Some(arguments), None) | (None, Some(arguments)) => arguments.clone(),
        (None, None) => Value::Null,
    };
    let id = outer.get("id").and_then(Value::as_str).unwrap_or_default();
    Ok(json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}))
}

/// Moves the parts `{"type": "tool_call", "value": ..}` of a message's content, as LLaMA-Factory writes them, to its
/// `tool_calls`.
///
/// # Errors
/// Parts that are not calls, and calls in both places.
pub(super) fn lift_calls(message: &mut Map<String, Value>, place: &str) -> Result<(), Problem> {
    let Some(Value::Array(parts)) = message.get_mut("content") else { return Ok(()) };
    let is_call = |part: &Value| part.get("type").and_then(Value::as_str) == Some("tool_call");
    if !parts.iter().any(is_call) {
        return Ok(());
    }
    let mut calls = Vec::new();
    let mut kept = Vec::new();
    for (index, part) in parts.drain(..).enumerate() {
        if !is_call(&part) {
            kept.push(part);
            continue;
        }
        let place = format!("{place}.content.{index}");
        let value = ["value", "text", "tool_call"].iter().find_map(|key| part.get(*key));
        let value = value.ok_or_else(|| (format!("{place}: a part without `value`"), CALL.to_owned()))?;
        if let Value::Array(read) = calls_of(value, &place)? {
            calls.extend(read);
        }
    }
    *parts = kept;
    let said = message.get("tool_calls").is_some_and(|value| !value.is_null() && *value != json!([]));
    if said {
        let found = format!("{place}.tool_calls: calls next to those in `content`");
        return Err((found, "only one of the two".to_owned()));
    }
    message.insert("tool_calls".to_owned(), Value::Array(calls));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_read_from_text_lists_and_wrappers() {
        let plain = json!({"name": "f", "arguments": {"a": 1}});
        let expected =
            json!([{"id": "", "type": "function", "function": {"name": "f", "arguments": {"a": 1}}}]);
        for value in [
            plain.clone(),
            json!(plain.to_string()),
            json!([plain.clone()]),
            json!({"function": plain}),
            json!({"name": "f", "parameters": {"a": 1}}),
        ] {
            assert_eq!(calls_of(&value, "x").expect("a call"), expected, "{value}");
        }
        for value in [json!("f("), json!(3), json!({"arguments": {}}), json!([]), json!([{"name": 1}])] {
            let (found, expected) = calls_of(&value, "messages.1").expect_err("not a call");
            assert!(found.starts_with("messages.1"), "{found}");
            assert!(expected.starts_with("a call"), "{expected}");
        }
    }

    #[test]
    fn parts_become_calls_of_their_message() {
        let mut message = json!({"role": "assistant", "content": [{"type": "reasoning", "value": "so"},
            {"type": "tool_call", "value": "{\"name\": \"f\", \"arguments\": {}}"}]});
        let map = message.as_object_mut().expect("an object");
        lift_calls(map, "messages.0").expect("lifts");
        assert_eq!(map["content"], json!([{"type": "reasoning", "value": "so"}]));
        assert_eq!(map["tool_calls"][0]["function"]["name"], "f");
        map.insert("content".to_owned(), json!([{"type": "tool_call", "value": {"name": "g"}}]));
        assert!(lift_calls(map, "messages.0").expect_err("twice").0.contains("next to those in `content`"));
    }
}
