//! Messages of a conversation and the calls inside them.

use serde::{Deserialize, Serialize};

use super::python_json;

/// Who speaks.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Instructions.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
    /// The result of a call.
    Environment,
}

impl Role {
    /// The name inside the chat format.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Environment => "environment",
        }
    }
}

/// The `name=` part of a turn, and the kind of a call.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// Functions described as JSON: `<|plugin|>`.
    Plugin,
    /// A Python notebook: `<|interpreter|>`.
    Interpreter,
    /// Uploaded files: `file`.
    File,
}

impl Channel {
    /// The text behind `name=`; for plugin and interpreter it is also the name of the special token.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plugin => "<|plugin|>",
            Self::Interpreter => "<|interpreter|>",
            Self::File => "file",
        }
    }
}

/// One call inside an assistant message.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ToolCall {
    /// Plugin or interpreter.
    pub channel: Channel,
    /// The text between the marks: JSON `{"name": .., "parameters": ..}`, or code.
    pub body: String,
}

impl ToolCall {
    /// The call as the model writes it, marks by name.
    #[must_use]
    pub fn markup(&self) -> String {
        format!("<|action_start|>{}\n{}<|action_end|>", self.channel.name(), self.body)
    }
}

/// One message of a conversation.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// The `name=` part of the turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    /// The text; never parsed for special tokens.
    #[serde(default)]
    pub content: String,
    /// Calls behind the text; only of an assistant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<ToolCall>,
}

impl Message {
    /// A message without channel and calls.
    #[must_use]
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Self { role, channel: None, content: content.into(), calls: Vec::new() }
    }

    /// A system message.
    #[must_use]
    pub fn system(content: impl Into<String>) -> Self {
        Self::new(Role::System, content)
    }

    /// A user's message.
    #[must_use]
    pub fn user(content: impl Into<String>) -> Self {
        Self::new(Role::User, content)
    }

    /// An assistant's message.
    #[must_use]
    pub fn assistant(content: impl Into<String>) -> Self {
        Self::new(Role::Assistant, content)
    }

    /// The result of a call on `channel`.
    #[must_use]
    pub fn environment(channel: Channel, content: impl Into<String>) -> Self {
        Self { channel: Some(channel), ..Self::new(Role::Environment, content) }
    }

    /// The same message with calls behind its text.
    #[must_use]
    pub fn with_calls(self, calls: Vec<ToolCall>) -> Self {
        Self { calls, ..self }
    }
}

/// The system message that offers `tools`, each `{"name", "description", "parameters"}`, as one line of JSON.
///
/// ```
/// use internlm_model::chat::tools_message;
///
/// let tool = serde_json::json!({"name": "Calculator", "description": "adds", "parameters": {}});
/// let text = r#"[{"name": "Calculator", "description": "adds", "parameters": {}}]"#;
/// assert_eq!(tools_message(&[tool]).content, text);
/// ```
#[must_use]
pub fn tools_message(tools: &[serde_json::Value]) -> Message {
    let list = serde_json::Value::Array(tools.to_vec());
    Message { channel: Some(Channel::Plugin), ..Message::new(Role::System, python_json(&list)) }
}
