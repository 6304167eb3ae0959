//! [`Message`]: one turn of a conversation, and the calls inside of it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::marks;

/// Author of a turn, as the chat format names it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Whoever gives the instructions.
    System,
    /// The person who asks.
    User,
    /// The model that answers.
    Assistant,
    /// The tool that gives the result of a call; OpenAI's `tool`.
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
    /// Content of uploaded files: `file`, which is plain text and not a special token.
    File,
}

impl Channel {
    /// All channels, in the order of declaration.
    pub const ALL: [Self; 3] = [Self::Plugin, Self::Interpreter, Self::File];
    /// The channels that calls are made on.
    pub const CALLS: [Self; 2] = [Self::Plugin, Self::Interpreter];

    /// The text after `name=`; for plugin and interpreter it is also the name of the special token.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plugin => marks::PLUGIN,
            Self::Interpreter => marks::INTERPRETER,
            Self::File => "file",
        }
    }

    /// The channel that a message's `name` stands for: `<|plugin|>`, or `plugin` as upstream's clients write it.
    /// `None` for the name of a person or a tool.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        let bare = name.strip_prefix("<|").and_then(|name| name.strip_suffix("|>")).unwrap_or(name);
        match bare {
            "plugin" => Some(Self::Plugin),
            "interpreter" => Some(Self::Interpreter),
            "file" => Some(Self::File),
            _ => None,
        }
    }

    /// The channel of calls that a mark stands for, by the mark's exact name.
    pub(super) fn of_mark(name: &str) -> Option<Self> {
        Self::CALLS.into_iter().find(|channel| channel.name() == name)
    }
}

/// One call inside an assistant message.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ToolCall {
    /// The id that the result refers to. InternLM2's own format has no place for it; other templates have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Kind of the call: [`Channel::Plugin`] or [`Channel::Interpreter`], see [`Channel::CALLS`].
    pub channel: Channel,
    /// The text between the marks: JSON `{"name": .., "parameters": ..}`, or code. It is not checked here; see
    /// [`PluginCall::parse`](super::PluginCall::parse).
    pub body: String,
}

impl ToolCall {
    /// A call without an id.
    #[must_use]
    pub fn new(channel: Channel, body: impl Into<String>) -> Self {
        Self { id: None, channel, body: body.into() }
    }

    /// The same call with an id.
    #[must_use]
    pub fn with_id(self, id: impl Into<String>) -> Self {
        Self { id: Some(id.into()), ..self }
    }

    /// The call as the model writes it, marks by name.
    #[must_use]
    pub fn markup(&self) -> String {
        format!("{}{}\n{}{}", marks::ACTION_START, self.channel.name(), self.body, marks::ACTION_END)
    }
}

/// One message of a conversation.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Message {
    /// Author of the message; written after `<|im_start|>`.
    pub role: Role,
    /// The `name=` part of the turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    /// The text; never parsed for special tokens. `None` is OpenAI's null, which some templates tell from an empty
    /// text; [`Message::text`] reads both as empty.
    #[serde(default)]
    pub content: Option<String>,
    /// Calls after the text; only of an assistant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<ToolCall>,
    /// Which call a result answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_id: Option<String>,
    /// Name of a person or a tool as the client sent it. Only jinja templates see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Other keys of the message as the client sent them, such as `reasoning_content`. Only jinja templates see them:
    /// InternLM2's format leaves them out.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub fields: Map<String, Value>,
}

impl Message {
    /// A message that has only a role and a text.
    #[must_use]
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Self {
            role,
            channel: None,
            content: Some(content.into()),
            calls: Vec::new(),
            call_id: None,
            name: None,
            fields: Map::new(),
        }
    }

    /// A message with instructions for the model, without a channel.
    #[must_use]
    pub fn system(content: impl Into<String>) -> Self {
        Self::new(Role::System, content)
    }

    /// A message of the person who asks, without a channel.
    #[must_use]
    pub fn user(content: impl Into<String>) -> Self {
        Self::new(Role::User, content)
    }

    /// A message of the model, without calls; [`Role::Assistant`].
    #[must_use]
    pub fn assistant(content: impl Into<String>) -> Self {
        Self::new(Role::Assistant, content)
    }

    /// The result of a call on `channel`.
    #[must_use]
    pub fn environment(channel: Channel, content: impl Into<String>) -> Self {
        Self::new(Role::Environment, content).on(channel)
    }

    /// The same message on a channel.
    #[must_use]
    pub fn on(self, channel: Channel) -> Self {
        Self { channel: Some(channel), ..self }
    }

    /// The same message with calls after its text.
    #[must_use]
    pub fn with_calls(self, calls: Vec<ToolCall>) -> Self {
        Self { calls, ..self }
    }

    /// The same message as the answer to the call `id`.
    #[must_use]
    pub fn with_call_id(self, id: impl Into<String>) -> Self {
        Self { call_id: Some(id.into()), ..self }
    }

    /// The text; empty when [`Message::content`] is `None`.
    #[must_use]
    pub fn text(&self) -> &str {
        self.content.as_deref().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_channels_are_known_in_both_spellings_and_names_of_people_are_not() {
        for channel in Channel::ALL {
            assert_eq!(Channel::of_name(channel.name()), Some(channel));
        }
        assert_eq!(Channel::of_name("plugin"), Some(Channel::Plugin));
        assert_eq!(Channel::of_name("interpreter"), Some(Channel::Interpreter));
        for name in ["alice", "", "<|plugin", "Plugin", "get_weather"] {
            assert_eq!(Channel::of_name(name), None, "{name}");
        }
    }

    #[test]
    fn what_is_absent_is_not_written() {
        let json = serde_json::to_string(&Message::user("hi")).expect("serializes");
        assert_eq!(json, r#"{"role":"user","content":"hi"}"#);
        let message: Message =
            serde_json::from_str(r#"{"role": "assistant", "content": null}"#).expect("parses");
        assert_eq!((message.content.as_deref(), message.text()), (None, ""));
    }
}
