//! How lagent describes tools to a model: `{name, description, parameters, required, parameter_description}`
//! (`lagent/actions/base_action.py`), and the plugin message of InternLM2's agent that lists them.

use internlm_model::chat::{Channel, Message};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Layout, NonAscii, format_fields, json_dumps, repr};
use crate::action::{ToolInput, ToolSpec};
use crate::templates::{INTERNLM2_API_PREFIX, INTERNLM2_PLUGIN};

/// Lagent's instruction about arguments in JSON.
const JSON_PARAMETERS: &str = "If you call this tool, you must pass arguments in the JSON format {key: value}, where the key is the parameter name.";
/// Lagent's instruction about arguments in a tuple.
const TUPLE_PARAMETERS: &str = "If you call this tool, you must pass arguments in the tuple format like (arg1, arg2, arg3), and the arguments are ordered.";

/// Which parameters of a tool InternLM2's plugin message lists.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ListedParameters {
    /// Only those that every call needs, and a prefix before each description, as lagent 0.2.4.
    #[default]
    Required,
    /// All of them, with the descriptions as they are.
    All,
}

/// Creates the system message that offers `tools`.
pub(super) fn plugin_message(tools: &[&ToolSpec], listed: ListedParameters) -> Message {
    let tools = tools.iter().map(|tool| match listed {
        ListedParameters::Required => offered(tool),
        ListedParameters::All => lagent_tool(tool),
    });
    let list = json_dumps(&Value::Array(tools.collect()), NonAscii::Keep, Layout::Indent(4));
    Message::system(format_fields(INTERNLM2_PLUGIN, &[("prompt", &list)])).on(Channel::Plugin)
}

/// Returns the descriptions of all tools as Python prints them.
pub(super) fn printed_tools(tools: &[ToolSpec]) -> String {
    repr(&Value::Array(tools.iter().map(lagent_tool).collect()))
}

/// Returns the names of the toolkits, each of them once, as Python prints them.
pub(super) fn printed_names(tools: &[ToolSpec]) -> String {
    let mut names: Vec<Value> = Vec::new();
    for tool in tools {
        let name = Value::from(toolkit(&tool.name));
        if !names.contains(&name) {
            names.push(name);
        }
    }
    repr(&Value::Array(names))
}

/// Returns the part of a tool's name before the first dot.
pub(super) fn toolkit(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

/// Returns lagent's description of a tool: `{name, description, parameters, required,
/// parameter_description}`.
#[must_use]
pub fn lagent_tool(tool: &ToolSpec) -> Value {
    let properties = tool.parameters.get("properties").and_then(Value::as_object);
    let parameters = properties.into_iter().flatten().map(|(name, schema)| {
        let description = schema.get("description").and_then(Value::as_str).unwrap_or_default();
        json!({"name": name, "type": lagent_type(schema), "description": description})
    });
    let mut value = json!({
        "name": tool.name,
        "description": tool.description,
        "parameters": parameters.collect::<Vec<_>>(),
        "required": tool.required(),
    });
    let instruction = match tool.input {
        ToolInput::Json => JSON_PARAMETERS,
        ToolInput::Tuple => TUPLE_PARAMETERS,
        ToolInput::Text => return value,
    };
    value["parameter_description"] = Value::from(instruction);
    value
}

/// Returns the description that the plugin message of 0.2.4 shows: only the required parameters, and a prefix
/// before the tool's own description.
fn offered(tool: &ToolSpec) -> Value {
    let mut shown = lagent_tool(tool);
    let required = tool.required();
    if let Some(parameters) = shown["parameters"].as_array_mut() {
        parameters
            .retain(|parameter| parameter["name"].as_str().is_some_and(|name| required.contains(&name)));
    }
    let fields = [("tool_name", toolkit(&tool.name)), ("description", tool.description.as_str())];
    shown["description"] = Value::from(format_fields(INTERNLM2_API_PREFIX, &fields));
    shown
}

/// Maps a JSON Schema to lagent's name of its type.
///
/// Upstream looks for the names of Python's types in the text of the annotation, so a list of a known type counts as
/// that type, an optional value as the value, and a map as text.
fn lagent_type(schema: &Value) -> &'static str {
    let options = ["anyOf", "oneOf"].into_iter().find_map(|key| schema.get(key)?.as_array());
    if let Some(option) = options.and_then(|options| options.iter().find(|option| option["type"] != "null")) {
        return lagent_type(option);
    }
    let kind = match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().find(|kind| *kind != "null").and_then(Value::as_str),
        Some(kind) => kind.as_str(),
        None => None,
    };
    match (kind, schema.get("items")) {
        (Some("array"), Some(items)) if items.get("type").is_some() => lagent_type(items),
        (Some("array"), _) => "Array",
        (Some("integer"), _) => "NUMBER",
        (Some("number"), _) => "FLOAT",
        (Some("boolean"), _) => "BOOLEAN",
        _ => "STRING",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_found_as_upstream_finds_them() {
        for (schema, expected) in [
            (json!({"type": "string"}), "STRING"),
            (json!({"type": ["integer", "null"]}), "NUMBER"),
            (json!({"anyOf": [{"type": "null"}, {"type": "number"}]}), "FLOAT"),
            (json!({"type": "array"}), "Array"),
            (json!({"type": "array", "items": {"type": "integer"}}), "NUMBER"),
            (json!({"type": "array", "items": {"type": "string"}}), "STRING"),
            (json!({"type": "object"}), "STRING"),
            (json!({}), "STRING"),
        ] {
            assert_eq!(lagent_type(&schema), expected, "{schema}");
        }
    }

    #[test]
    fn names_of_toolkits_come_once() {
        let tools = ["K.a", "K.b", "T"].map(|name| ToolSpec::with_texts(name, "d", &[]));
        assert_eq!(printed_names(&tools), "['K', 'T']");
    }
}
