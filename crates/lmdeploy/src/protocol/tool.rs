//! Pieces of tool calls in a stream.

use serde::{Deserialize, Serialize};

use super::{FunctionCall, ToolCall};

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
    /// The first piece of call `index`; its arguments follow.
    #[must_use]
    pub fn begun(index: usize, id: impl Into<String>, name: impl Into<String>) -> Self {
        let function = FunctionCallDelta { name: Some(name.into()), arguments: Some(String::new()) };
        let call = ToolCall::new(id, FunctionCall::default());
        Self { index, id: Some(call.id), kind: Some(call.kind), function: Some(function) }
    }

    /// Further characters of the arguments of call `index`.
    #[must_use]
    pub fn more(index: usize, arguments: impl Into<String>) -> Self {
        let function = FunctionCallDelta { name: None, arguments: Some(arguments.into()) };
        Self { index, id: None, kind: None, function: Some(function) }
    }
}

/// The calls of a streamed message, put together from their pieces in the order in which the stream began them.
///
/// ```
/// use lmdeploy::protocol::{StreamedCalls, ToolCallDelta};
///
/// let mut calls = StreamedCalls::default();
/// for json in [
///     r#"{"index": 0, "id": "a", "function": {"name": "add", "arguments": "{\"x\""}}"#,
///     r#"{"index": 0, "function": {"arguments": ": 1}"}}"#,
/// ] {
///     calls.push(serde_json::from_str::<ToolCallDelta>(json)?);
/// }
/// assert_eq!(calls.finish()[0].function.arguments, "{\"x\": 1}");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct StreamedCalls {
    /// Each call with the index that the server gave it.
    calls: Vec<(usize, ToolCall)>,
}

impl StreamedCalls {
    /// Adds a piece to the call of its index.
    ///
    /// The index is a number that the server sent, so it is only compared: it must not decide how much memory is used.
    pub fn push(&mut self, piece: ToolCallDelta) {
        let place = self.calls.iter().position(|(index, _)| *index == piece.index);
        let place = place.unwrap_or_else(|| {
            self.calls.push((piece.index, ToolCall::new("", FunctionCall::default())));
            self.calls.len() - 1
        });
        let (_, call) = &mut self.calls[place];
        call.id.push_str(&piece.id.unwrap_or_default());
        let function = piece.function.unwrap_or_default();
        call.function.name.push_str(&function.name.unwrap_or_default());
        call.function.arguments.push_str(&function.arguments.unwrap_or_default());
    }

    /// The whole calls, once the stream has ended.
    #[must_use]
    pub fn finish(self) -> Vec<ToolCall> {
        self.calls.into_iter().map(|(_, call)| call).collect()
    }
}
