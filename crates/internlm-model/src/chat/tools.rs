//! [`FunctionDefinition`]: a tool as it is offered to the model, and the system turn that offers tools.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::plugin::kind;
use super::{Channel, Message, Role, python_json};
use crate::{Error, Result};

/// Name, purpose and parameters of a function, as the caller wrote them.
///
/// The model sees exactly these keys in this order: nothing is added, filled in or left out, so that a tool of a
/// training set and the same tool of a request are the same tokens.
///
/// ```
/// use internlm_model::chat::FunctionDefinition;
///
/// let tool = FunctionDefinition::new("add").with_description("Adds numbers.");
/// assert_eq!(serde_json::to_string(&tool)?, r#"{"name":"add","description":"Adds numbers."}"#);
/// assert_eq!((tool.name(), tool.parameters()), ("add", None));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(try_from = "Map<String, Value>")]
pub struct FunctionDefinition(Map<String, Value>);

impl FunctionDefinition {
    /// A function that has only a name.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self(Map::from_iter([("name".to_owned(), Value::String(name.into()))]))
    }

    /// The same with a description of what it does.
    #[must_use]
    pub fn with_description(self, description: impl Into<String>) -> Self {
        self.with("description", Value::String(description.into()))
    }

    /// The same with the JSON schema of its arguments.
    #[must_use]
    pub fn with_parameters(self, schema: Value) -> Self {
        self.with("parameters", schema)
    }

    fn with(mut self, key: &str, value: Value) -> Self {
        self.0.insert(key.to_owned(), value);
        self
    }

    /// The name that calls use.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.get("name").and_then(Value::as_str).unwrap_or_default()
    }

    /// What the function does, when that is said.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.0.get("description").and_then(Value::as_str)
    }

    /// The JSON schema of the arguments, when there is one.
    #[must_use]
    pub fn parameters(&self) -> Option<&Value> {
        self.0.get("parameters").filter(|value| !value.is_null())
    }

    /// All keys as they were written.
    #[must_use]
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }
}

impl TryFrom<Map<String, Value>> for FunctionDefinition {
    type Error = String;

    fn try_from(map: Map<String, Value>) -> std::result::Result<Self, String> {
        match map.get("name") {
            Some(Value::String(_)) => Ok(Self(map)),
            Some(other) => Err(format!("name: found {}, expected a string", kind(other))),
            None => Err("found a function without `name`, expected one".to_owned()),
        }
    }
}

/// The system message that offers `tools`, as one line of JSON.
///
/// ```
/// use internlm_model::chat::{FunctionDefinition, tools_message};
///
/// let tool = FunctionDefinition::new("Calculator").with_description("adds");
/// assert_eq!(tools_message(&[tool]).text(), r#"[{"name": "Calculator", "description": "adds"}]"#);
/// ```
#[must_use]
pub fn tools_message(tools: &[FunctionDefinition]) -> Message {
    let list = tools.iter().map(|tool| Value::Object(tool.0.clone())).collect();
    Message { channel: Some(Channel::Plugin), ..Message::system(python_json(&Value::Array(list))) }
}

/// Puts the tools after the leading system messages, where models are trained to find them; none change nothing.
pub fn offer_tools(messages: &mut Vec<Message>, tools: &[FunctionDefinition]) {
    if !tools.is_empty() {
        let leading = messages.iter().take_while(|message| message.role == Role::System).count();
        messages.insert(leading, tools_message(tools));
    }
}

/// The tools of a [`tools_message`]; `None` for every other message.
///
/// # Errors
/// A system message on the plugin channel that is not a list of functions.
pub fn offered_tools(message: &Message) -> Result<Option<Vec<FunctionDefinition>>> {
    if message.role != Role::System || message.channel != Some(Channel::Plugin) {
        return Ok(None);
    }
    let tools = serde_json::from_str(message.text());
    tools
        .map(Some)
        .map_err(|error| Error::Chat(format!("the tools message is not a JSON list of functions: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_are_written_as_they_are_and_read_back() {
        let json = r#"[{"strict": true, "name": "f", "parameters": {}}, {"description": null, "name": "g"}]"#;
        let tools: Vec<FunctionDefinition> = serde_json::from_str(json).expect("functions");
        let message = tools_message(&tools);
        assert_eq!(message.text(), json);
        assert_eq!(offered_tools(&message).expect("a list"), Some(tools));
        assert_eq!(offered_tools(&Message::system(json)).expect("no channel"), None);
        let broken = Message { channel: Some(Channel::Plugin), ..Message::system("You have tools.") };
        assert!(offered_tools(&broken).is_err());
    }

    #[test]
    fn tools_follow_the_leading_system_messages() {
        let mut messages =
            vec![Message::system("a"), Message::system("b"), Message::user("c"), Message::system("d")];
        offer_tools(&mut messages, &[]);
        assert_eq!(messages.len(), 4);
        offer_tools(&mut messages, &[FunctionDefinition::new("f")]);
        assert_eq!(messages[2].text(), r#"[{"name": "f"}]"#);
    }

    #[test]
    fn a_function_needs_a_name() {
        for (json, part) in [("{}", "without `name`"), (r#"{"name": 3}"#, "found a number")] {
            let error = serde_json::from_str::<FunctionDefinition>(json).expect_err(json).to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
