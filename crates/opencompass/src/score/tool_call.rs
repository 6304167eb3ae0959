//! Tool calls: is the reply one well-formed call, and does it ask for the right thing?

use serde_json::{Map, Value};

use crate::model::Call;

/// What a reply's calls are worth.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum CallCheck {
    /// Not one call of an offered tool with the arguments its schema wants: why.
    Malformed(String),
    /// One well-formed call with these arguments.
    WellFormed(Map<String, Value>),
}

/// Checks that `calls` is one call of one of `tools` (`{name, description, parameters}`), whose arguments are
/// a JSON object with every required property, no unknown one, and the right types.
#[must_use]
pub fn check_call(calls: &[Call], tools: &[Value]) -> CallCheck {
    match well_formed(calls, tools) {
        Ok(arguments) => CallCheck::WellFormed(arguments),
        Err(reason) => CallCheck::Malformed(reason),
    }
}

fn well_formed(calls: &[Call], tools: &[Value]) -> Result<Map<String, Value>, String> {
    let [call] = calls else {
        return Err(format!("found {} calls, expected one", calls.len()));
    };
    let tool = tools.iter().find(|tool| tool["name"] == call.name.as_str());
    let tool = tool.ok_or_else(|| format!("found a call of `{}`, which was not offered", call.name))?;
    let arguments: Map<String, Value> = serde_json::from_str(&call.arguments)
        .map_err(|error| format!("arguments: {error}, expected a JSON object"))?;
    let schema = &tool["parameters"];
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !arguments.contains_key(name) {
            return Err(format!("arguments: found no `{name}`"));
        }
    }
    for (name, value) in &arguments {
        let property = &schema["properties"][name];
        let Some(expected) = property["type"].as_str() else {
            return Err(format!("arguments: found `{name}`, which the tool does not have"));
        };
        if !has_type(value, expected) {
            return Err(format!("arguments: found {value} as `{name}`, expected type {expected}"));
        }
    }
    Ok(arguments)
}

/// JSON schema's simple types.
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
        check_call(&[Call { name: name.to_owned(), arguments: arguments.to_owned() }], &tools)
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
}
