//! What a tool parser makes of a reply: the `formatted` part of an agent's message.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Whether a reply calls a tool. The numbers are those of lagent's `ToolStatusCode`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(into = "i32", try_from = "i32")]
pub enum ToolStatus {
    /// 0: the reply calls no tool, so it is an answer.
    NoTool,
    /// 1: the reply calls a tool.
    ValidTool,
    /// -1: the reply contains the begin mark, and the action behind it cannot be read.
    ParsingError,
}

impl From<ToolStatus> for i32 {
    fn from(status: ToolStatus) -> Self {
        match status {
            ToolStatus::NoTool => 0,
            ToolStatus::ValidTool => 1,
            ToolStatus::ParsingError => -1,
        }
    }
}

impl TryFrom<i32> for ToolStatus {
    type Error = String;

    fn try_from(number: i32) -> Result<Self, String> {
        [Self::NoTool, Self::ValidTool, Self::ParsingError]
            .into_iter()
            .find(|status| i32::from(*status) == number)
            .ok_or_else(|| format!("found the tool status {number}, expected 0, 1 or -1"))
    }
}

/// A reply in parts, in lagent's JSON form.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct ParsedTool {
    /// Type of the parser that found the call, such as `plugin`; absent if there is no call.
    pub tool_type: Option<String>,
    /// The text before the call, or the whole reply.
    pub thought: String,
    /// The call: the parsed JSON of a plugin, or a text. Absent if there is no call.
    pub action: Option<Value>,
    /// Whether there is a call that could be read. Absent in few-shot examples.
    pub status: Option<ToolStatus>,
}

impl ParsedTool {
    /// Creates the parts of a reply that calls no tool.
    #[must_use]
    pub fn answer(thought: impl Into<String>) -> Self {
        Self { tool_type: None, thought: thought.into(), action: None, status: Some(ToolStatus::NoTool) }
    }
}
