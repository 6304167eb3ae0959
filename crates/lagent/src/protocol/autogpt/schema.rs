//! The schema of `AutoGPT`'s replies: the check of a reply, and its narrower form for constrained decoding.

use serde_json::{Map, Value, json};

use super::super::constraint::schema;
use crate::action::ToolSpec;
use crate::python_text::repr;
use crate::templates::AUTOGPT_SCHEMA;

/// The texts that `thoughts` consists of.
const THOUGHTS: [&str; 5] = ["text", "reasoning", "plan", "criticism", "speak"];

/// What is wrong with a reply, in the words of Python's `jsonschema`.
pub(super) fn problems(reply: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    let Some(parts) = object(reply, &["thoughts", "command"], &mut problems) else { return problems };
    if let Some(thoughts) =
        parts.get("thoughts").and_then(|thoughts| object(thoughts, &THOUGHTS, &mut problems))
    {
        let texts = THOUGHTS.iter().filter_map(|name| thoughts.get(*name));
        problems.extend(texts.filter(|text| !text.is_string()).map(|text| wrong_type(text, "string")));
    }
    let command = parts.get("command");
    if let Some(command) = command.and_then(|command| object(command, &["name", "args"], &mut problems)) {
        problems.extend(
            command.get("name").filter(|name| !name.is_string()).map(|name| wrong_type(name, "string")),
        );
        problems.extend(
            command.get("args").filter(|args| !args.is_object()).map(|args| wrong_type(args, "object")),
        );
    }
    problems
}

/// The fields of an object that has exactly these names.
fn object<'v>(
    value: &'v Value,
    names: &[&str],
    problems: &mut Vec<String>,
) -> Option<&'v Map<String, Value>> {
    let Value::Object(fields) = value else {
        problems.push(wrong_type(value, "object"));
        return None;
    };
    let missing = names.iter().filter(|name| !fields.contains_key(**name));
    problems.extend(missing.map(|name| format!("'{name}' is a required property")));
    let others = fields.keys().filter(|key| !names.contains(&key.as_str()));
    problems
        .extend(others.map(|key| format!("Additional properties are not allowed ('{key}' was unexpected)")));
    Some(fields)
}

fn wrong_type(value: &Value, expected: &str) -> String {
    format!("{} is not of type '{expected}'", repr(value))
}

/// The request fields of a reply whose command is one of `tools` with arguments of that tool.
pub(super) fn constrained(tools: &[ToolSpec]) -> Option<Value> {
    let mut reply: Value = serde_json::from_str(AUTOGPT_SCHEMA).ok()?;
    let commands = tools.iter().map(|tool| {
        json!({
            "type": "object",
            "properties": {"name": {"const": tool.name}, "args": schema(tool)},
            "required": ["name", "args"],
            "additionalProperties": false,
        })
    });
    reply["properties"]["command"] = json!({"anyOf": commands.collect::<Vec<_>>()});
    let format = json!({"type": "json_schema", "json_schema": {"name": "response", "schema": reply}});
    Some(json!({ "response_format": format }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thoughts() -> Value {
        json!({"text": "a", "reasoning": "b", "plan": "c", "criticism": "d", "speak": "e"})
    }

    #[test]
    fn problems_are_named() {
        let good = json!({"thoughts": thoughts(), "command": {"name": "T", "args": {}}});
        assert_eq!(problems(&good), [""; 0]);
        for (reply, expected) in [
            (json!([1]), vec!["[1] is not of type 'object'"]),
            (json!({"thoughts": thoughts()}), vec!["'command' is a required property"]),
            (
                json!({"thoughts": {"text": 1}, "command": {"name": "T", "args": {}}, "x": 1}),
                vec![
                    "Additional properties are not allowed ('x' was unexpected)",
                    "'reasoning' is a required property",
                    "'plan' is a required property",
                    "'criticism' is a required property",
                    "'speak' is a required property",
                    "1 is not of type 'string'",
                ],
            ),
            (
                json!({"thoughts": thoughts(), "command": {"name": 1, "args": "x"}}),
                vec!["1 is not of type 'string'", "'x' is not of type 'object'"],
            ),
        ] {
            assert_eq!(problems(&reply), expected, "{reply}");
        }
    }

    #[test]
    fn the_narrow_schema_lists_the_tools() {
        let fields = constrained(&[ToolSpec::with_texts("T", "d", &["a"])]).expect("the schema is JSON");
        let command = &fields["response_format"]["json_schema"]["schema"]["properties"]["command"];
        assert_eq!(command["anyOf"][0]["properties"]["name"], json!({"const": "T"}));
        assert_eq!(command["anyOf"][0]["properties"]["args"]["additionalProperties"], json!(false));
    }
}
