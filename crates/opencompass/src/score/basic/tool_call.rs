//! The check of tool calls: is a reply exactly one well-formed call of an offered tool?

use internlm_model::chat::PluginCall;
use internlm_model::chat::openai::{ToolCall, read_reply_call};
use serde_json::{Map, Value};

use crate::model::FunctionCall;

/// The verdict on the calls of a reply.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum CallCheck {
    /// The reply is not one well-formed call; the text says what was found and what was expected.
    Malformed(String),
    /// The reply is one well-formed call with these arguments.
    WellFormed(Map<String, Value>),
}

/// Checks that `calls` is exactly one call of one of `tools` (`{name, description, parameters}`). Its arguments
/// have to be a JSON object with every required property, no unknown property, and values of the right types. They
/// are decoded as agents and servers decode them, so that an empty text means no arguments.
#[must_use]
pub fn check_call(calls: &[FunctionCall], tools: &[Value]) -> CallCheck {
    match well_formed(calls, tools) {
        Ok(arguments) => CallCheck::WellFormed(arguments),
        Err(reason) => CallCheck::Malformed(reason),
    }
}

fn well_formed(calls: &[FunctionCall], tools: &[Value]) -> Result<Map<String, Value>, String> {
    let [call] = calls else {
        return Err(format!("found {} calls, expected one", calls.len()));
    };
    let read = read_reply_call(&ToolCall::new("", call.clone()));
    let PluginCall { name, arguments } =
        PluginCall::parse(&read.body).map_err(|problem| problem.to_string())?;
    let tool = tools.iter().find(|tool| tool["name"] == name.as_str());
    let tool = tool.ok_or_else(|| format!("found a call of `{name}`, which was not offered"))?;
    let schema = &tool["parameters"];
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !arguments.contains_key(name) {
            return Err(format!("arguments: found no `{name}`"));
        }
    }
    for (name, value) in &arguments {
        let Some(property) = schema["properties"].get(name) else {
            return Err(format!("arguments: found `{name}`, which the tool does not have"));
        };
        // A property without a type, for instance one that only lists its values, takes every value.
        if let Some(expected) = property["type"].as_str()
            && !has_type(value, expected)
        {
            return Err(format!("arguments: found {value} as `{name}`, expected type {expected}"));
        }
    }
    Ok(arguments)
}

/// Checks a value against a simple type of JSON Schema; unknown types accept everything.
fn has_type(value: &Value, expected: &str) -> bool {
    match expected {
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(name: &str, arguments: &str) -> CallCheck {
        let tools = [json!({"name": "Calculator", "parameters": {"type": "object",
            "properties": {"expression": {"type": "string"}}, "required": ["expression"]}})];
        check_call(&[FunctionCall { name: name.to_owned(), arguments: arguments.to_owned() }], &tools)
    }

    #[test]
    fn only_one_offered_call_with_its_arguments_is_well_formed() {
        assert!(matches!(check("Calculator", r#"{"expression": "1+1"}"#), CallCheck::WellFormed(_)));
        for (name, arguments) in [
            ("Search", r#"{"expression": "1+1"}"#),
            ("Calculator", r#"{"expression": 2}"#),
            ("Calculator", r#"{"expr": "1+1"}"#),
            ("Calculator", r#"{"expression": "1", "x": 1}"#),
            ("Calculator", r#"["1+1"]"#),
            ("Calculator", r#"{"expression": "1+"#),
        ] {
            assert!(matches!(check(name, arguments), CallCheck::Malformed(_)), "{name} {arguments}");
        }
        assert_eq!(check_call(&[], &[]), CallCheck::Malformed("found 0 calls, expected one".to_owned()));
    }

    #[test]
    fn no_arguments_and_a_property_without_a_type_are_well_formed() {
        let tools = [json!({"name": "Clock", "parameters": {"type": "object",
            "properties": {"zone": {"enum": ["UTC", "CET"]}}}})];
        let zone = r#"{"zone": "UTC"}"#;
        for (arguments, found) in [("", json!({})), ("null", json!({})), (zone, json!({"zone": "UTC"}))] {
            let call = FunctionCall { name: "Clock".to_owned(), arguments: arguments.to_owned() };
            let Value::Object(found) = found else { panic!("an object") };
            assert_eq!(check_call(&[call], &tools), CallCheck::WellFormed(found), "{arguments}");
        }
    }
}
