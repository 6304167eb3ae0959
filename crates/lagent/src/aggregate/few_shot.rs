//! Few-shot examples: conversations whose thoughts and calls are separate messages.

use internlm_model::chat::{Message, Role};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::frame::named;
use crate::parse::{ParseError, ParsedTool, ToolFormat};

/// One message of a few-shot example.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Shot {
    /// Author of the message, or the part of a reply that it is.
    pub role: ShotRole,
    /// The text; a tool's call may be any JSON value.
    pub content: Value,
    /// Tool type of a call or of its result, such as `plugin`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Roles in few-shot examples, as upstream names them.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ShotRole {
    /// Instructions to the model.
    System,
    /// A message of the person who asks.
    User,
    /// A whole reply of the model.
    Assistant,
    /// The result of a call.
    Environment,
    /// The text of a reply; a `tool` message behind it is the call of the same reply.
    Thought,
    /// The same as `thought`.
    Language,
    /// The call of the reply whose text is the message before.
    Tool,
}

impl Shot {
    /// Creates a message without a tool type.
    #[must_use]
    pub fn new(role: ShotRole, content: impl Into<Value>) -> Self {
        Self { role, content: content.into(), name: None }
    }

    /// Replaces the tool type of the message.
    #[must_use]
    pub fn with_name(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    fn text(&self) -> String {
        match &self.content {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }
}

/// Turns the examples into messages; `result` makes the message of a result from its text.
pub(super) fn messages(
    examples: &[Vec<Shot>],
    parser: &dyn ToolFormat,
    result: impl Fn(String) -> Message,
) -> Result<Vec<Message>, ParseError> {
    let mut messages = Vec::new();
    for (index, example) in examples.iter().enumerate() {
        let mut at = 0;
        while let Some(shot) = example.get(at) {
            let name = shot.name.as_deref();
            messages.push(match shot.role {
                ShotRole::System => named(Message::system(shot.text()), name),
                ShotRole::User => named(Message::new(Role::User, shot.text()), name),
                ShotRole::Assistant => named(Message::assistant(shot.text()), name),
                ShotRole::Environment => named(result(shot.text()), name),
                ShotRole::Thought | ShotRole::Language => {
                    let call = example.get(at + 1).filter(|next| next.role == ShotRole::Tool);
                    at += usize::from(call.is_some());
                    Message::assistant(parser.format_response(&reply(shot, call))?)
                }
                ShotRole::Tool => {
                    return Err(ParseError::FewShot { example: index, message: at, found: "tool" });
                }
            });
            at += 1;
        }
    }
    Ok(messages)
}

/// A thought and its call as one reply.
fn reply(thought: &Shot, call: Option<&Shot>) -> ParsedTool {
    ParsedTool {
        tool_type: call.and_then(|call| call.name.clone()),
        thought: thought.text(),
        action: call.map(|call| call.content.clone()),
        status: None,
    }
}
