//! `AgentMessage`: what agents, hooks, memories and the HTTP service exchange, in the JSON form of lagent 0.5
//! (`lagent/schema.py`).

use internlm_model::chat::{Channel, Message, Role};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The key of `extra_info` that keeps what a [`Message`] has besides its text.
const TURN: &str = "turn";

/// The state of a message that may still be growing. The numbers are those of lagent's `AgentStatusCode`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(into = "i32", try_from = "i32")]
pub enum AgentStatus {
    /// 0: the message is complete.
    #[default]
    End,
    /// 1: the text is being generated.
    Streaming,
    /// 2: the session waits for its first message.
    SessionReady,
    /// 3: the arguments of a plugin call are being generated.
    PluginStart,
    /// 4: the arguments of a plugin call are complete.
    PluginEnd,
    /// 5: the message is the result of a plugin call.
    PluginReturn,
    /// 6: code for the interpreter is being generated.
    Coding,
    /// 7: code for the interpreter is complete.
    CodeEnd,
    /// 8: the message is the result of code.
    CodeReturn,
    /// 9: the final answer is being generated.
    Answering,
    /// -1: the model's server failed.
    ServerError,
    /// -2: the session is closed.
    SessionClosed,
    /// -3: the conversation is longer than the model's context.
    SessionOutOfLimit,
    /// -4: the request had a wrong argument.
    SessionInvalidArgument,
}

impl AgentStatus {
    /// All states with their numbers, in the order of declaration.
    const NUMBERS: [(Self, i32); 14] = [
        (Self::End, 0),
        (Self::Streaming, 1),
        (Self::SessionReady, 2),
        (Self::PluginStart, 3),
        (Self::PluginEnd, 4),
        (Self::PluginReturn, 5),
        (Self::Coding, 6),
        (Self::CodeEnd, 7),
        (Self::CodeReturn, 8),
        (Self::Answering, 9),
        (Self::ServerError, -1),
        (Self::SessionClosed, -2),
        (Self::SessionOutOfLimit, -3),
        (Self::SessionInvalidArgument, -4),
    ];
}

impl From<AgentStatus> for i32 {
    fn from(status: AgentStatus) -> Self {
        AgentStatus::NUMBERS.iter().find(|(known, _)| *known == status).map_or(0, |(_, number)| *number)
    }
}

impl TryFrom<i32> for AgentStatus {
    type Error = String;

    fn try_from(number: i32) -> Result<Self, String> {
        let known = Self::NUMBERS.iter().find(|(_, known)| *known == number);
        known
            .map(|(status, _)| *status)
            .ok_or_else(|| format!("stream_state: found {number}, expected -4 to 9"))
    }
}

/// One message between agents. Unknown keys are ignored on reading, as upstream's models do.
///
/// ```
/// use lagent::message::AgentMessage;
///
/// let message: AgentMessage = serde_json::from_str(r#"{"content": "What is 2 + 2?"}"#)?;
/// assert_eq!((message.sender.as_str(), message.text()), ("user", "What is 2 + 2?".to_owned()));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct AgentMessage {
    /// The text, or any other JSON value.
    pub content: Value,
    /// Name of the author. Default: `user`.
    #[serde(default = "user")]
    pub sender: String,
    /// What a parser made of the content; absent if no parser read it.
    #[serde(default)]
    pub formatted: Option<Value>,
    /// Anything else that belongs to the message.
    #[serde(default)]
    pub extra_info: Option<Value>,
    /// Kind of the message, which is up to its author.
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
    /// Name of the agent that should read the message; absent if everyone may.
    #[serde(default)]
    pub receiver: Option<String>,
    /// Whether the message is complete or still growing.
    #[serde(default)]
    pub stream_state: AgentStatus,
}

fn user() -> String {
    "user".to_owned()
}

impl AgentMessage {
    /// Creates a complete message without a parser's result.
    #[must_use]
    pub fn new(sender: impl Into<String>, content: impl Into<Value>) -> Self {
        Self {
            content: content.into(),
            sender: sender.into(),
            formatted: None,
            extra_info: None,
            kind: None,
            receiver: None,
            stream_state: AgentStatus::End,
        }
    }

    /// Returns the content as text: a text itself, nothing for null, JSON for every other value.
    #[must_use]
    pub fn text(&self) -> String {
        match &self.content {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            other => other.to_string(),
        }
    }

    /// Converts to a turn of the model's conversation.
    ///
    /// A message that came from a [`Message`] becomes that message again, with the text that it has now. For
    /// others the sender decides: `user`, `system` and lagent's executors have their own roles, and every other
    /// sender is an assistant.
    #[must_use]
    pub fn to_message(&self) -> Message {
        let kept = self.extra_info.as_ref().and_then(|extra| extra.get(TURN));
        let kept = kept.and_then(|turn| Message::deserialize(turn).ok());
        let message = kept.unwrap_or_else(|| Message::new(self.role(), ""));
        Message { content: (!self.content.is_null()).then(|| self.text()), ..message }
    }

    fn role(&self) -> Role {
        match self.sender.as_str() {
            "user" => Role::User,
            "system" => Role::System,
            "environment" | "ActionExecutor" | "AsyncActionExecutor" => Role::Environment,
            _ => Role::Assistant,
        }
    }
}

impl From<&Message> for AgentMessage {
    fn from(message: &Message) -> Self {
        let sender = message.name.clone().unwrap_or_else(|| message.role.name().to_owned());
        let content = message.content.clone().map_or(Value::Null, Value::from);
        let turn = Message { content: None, ..message.clone() };
        let is_plain = turn == Message { content: None, ..Message::new(message.role, "") };
        let stream_state = match (message.role, message.channel) {
            (Role::Environment, Some(Channel::Interpreter)) => AgentStatus::CodeReturn,
            (Role::Environment, _) => AgentStatus::PluginReturn,
            _ => AgentStatus::End,
        };
        Self {
            extra_info: (!is_plain).then(|| json!({ TURN: turn })),
            stream_state,
            ..Self::new(sender, content)
        }
    }
}

#[cfg(test)]
mod tests {
    use internlm_model::chat::ToolCall;

    use super::*;

    #[test]
    fn json_is_lagents() {
        let message = AgentMessage::new("user", "hi");
        let json = serde_json::to_string(&message).expect("serializes");
        let expected = concat!(
            r#"{"content":"hi","sender":"user","formatted":null,"extra_info":null,"#,
            r#""type":null,"receiver":null,"stream_state":0}"#
        );
        assert_eq!(json, expected);
        let read: AgentMessage =
            serde_json::from_str(r#"{"content":["a"],"more":1,"stream_state":-3}"#).expect("reads");
        assert_eq!((read.text().as_str(), read.stream_state), (r#"["a"]"#, AgentStatus::SessionOutOfLimit));
        assert!(serde_json::from_str::<AgentMessage>(r#"{"content":"","stream_state":10}"#).is_err());
        assert!(serde_json::from_str::<AgentMessage>(r#"{"sender":"user"}"#).is_err());
    }

    #[test]
    fn every_state_has_its_number() {
        for number in -4..=9 {
            assert_eq!(AgentStatus::try_from(number).map(i32::from), Ok(number));
        }
    }

    #[test]
    fn messages_come_back() {
        let call = ToolCall::new(Channel::Plugin, "{}").with_id("c");
        for message in [
            Message::user("q"),
            Message::system("s"),
            Message::assistant("a"),
            Message::assistant("a").with_calls(vec![call]),
            Message::environment(Channel::Interpreter, "4").with_call_id("c"),
            Message { content: None, ..Message::assistant("") },
        ] {
            assert_eq!(AgentMessage::from(&message).to_message(), message);
        }
        let mut changed = AgentMessage::from(&Message::environment(Channel::Plugin, "secret"));
        changed.content = "***".into();
        assert_eq!(changed.to_message(), Message::environment(Channel::Plugin, "***"));
        assert_eq!(AgentMessage::new("Planner", "p").to_message(), Message::assistant("p"));
    }
}
