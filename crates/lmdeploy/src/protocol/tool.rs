//! Pieces of tool calls in a stream.

use serde::{Deserialize, Serialize};

use super::ToolCall;

/// A piece of a call in a stream.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ToolCallDelta {
    /// Which call of the message, from 0.
    #[serde(default)]
    pub index: usize,
    /// On the first piece of a call only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// On the first piece of a call only.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The piece of the function's name and arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<FunctionCallDelta>,
}

/// A piece of function and arguments; arguments of all pieces are joined.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct FunctionCallDelta {
    /// On the first piece of a call only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The next characters of the arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<String>,
}

impl ToolCallDelta {
    /// The whole call as one piece.
    #[must_use]
    pub fn whole(index: usize, call: ToolCall) -> Self {
        let function =
            FunctionCallDelta { name: Some(call.function.name), arguments: Some(call.function.arguments) };
        Self { index, id: Some(call.id), kind: Some(call.kind), function: Some(function) }
    }
}
