//! Tools as OpenAI writes them: definitions that are offered to the model, and the calls that it makes.

use internlm_kit::by_name;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::super::FunctionDefinition;

/// A tool that the model may call.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(try_from = "RawDefinition")]
pub struct ToolDefinition {
    /// `function`; nothing else is supported.
    #[serde(rename = "type")]
    pub kind: String,
    /// What can be called.
    pub function: FunctionDefinition,
}

/// With or without the wrapper `{"type": "function", "function": ..}`, which training sets often leave out.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected {\"type\": \"function\", \"function\": {\"name\": ..}}")]
enum RawDefinition {
    Wrapped {
        #[serde(rename = "type", default = "function")]
        kind: String,
        function: Map<String, Value>,
    },
    Bare(Map<String, Value>),
}

impl TryFrom<RawDefinition> for ToolDefinition {
    type Error = String;

    fn try_from(raw: RawDefinition) -> Result<Self, String> {
        let (kind, map) = match raw {
            RawDefinition::Wrapped { kind, function } => (kind, function),
            RawDefinition::Bare(map) if map.contains_key("name") => (function(), map),
            RawDefinition::Bare(map) => {
                // Another type of tool: its name says more than the key that it lacks.
                let kind = map.get("type").and_then(Value::as_str).unwrap_or("function");
                return Err(format!("found a tool of type `{kind}` without `function`, expected a function"));
            }
        };
        Ok(Self { kind, function: FunctionDefinition::try_from(map)? })
    }
}

impl ToolDefinition {
    /// A function with a description and the JSON schema of its arguments.
    #[must_use]
    pub fn function(name: impl Into<String>, description: impl Into<String>, parameters: Value) -> Self {
        FunctionDefinition::new(name).with_description(description).with_parameters(parameters).into()
    }
}

impl From<FunctionDefinition> for ToolDefinition {
    fn from(definition: FunctionDefinition) -> Self {
        Self { kind: function(), function: definition }
    }
}

/// A call that the model made.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ToolCall {
    /// Unique within the conversation; the result names it in `tool_call_id`. Null is read as empty.
    #[serde(default, deserialize_with = "text_or_null")]
    pub id: String,
    /// `function`, which null stands for too; nothing else is supported.
    #[serde(rename = "type", default = "function", deserialize_with = "kind_or_null")]
    pub kind: String,
    /// What is called, with its arguments.
    #[serde(deserialize_with = "by_name::required")]
    pub function: FunctionCall,
}

impl ToolCall {
    /// A call of a function.
    #[must_use]
    pub fn new(id: impl Into<String>, call: FunctionCall) -> Self {
        Self { id: id.into(), kind: function(), function: call }
    }
}

/// Function and arguments of a call.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct FunctionCall {
    /// Name of the function to call, as declared in `tools`; not checked here.
    pub name: String,
    /// The arguments: a JSON object as text. An object that is not text, as training sets write it, is taken too.
    #[serde(default, deserialize_with = "text_or_json")]
    pub arguments: String,
}

fn text_or_json<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => text,
        Value::Null => String::new(),
        other => other.to_string(),
    })
}

/// Clients write null for what they do not set.
fn text_or_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Option::<String>::deserialize(deserializer).map(Option::unwrap_or_default)
}

fn kind_or_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.unwrap_or_else(function))
}

fn function() -> String {
    "function".to_owned()
}
