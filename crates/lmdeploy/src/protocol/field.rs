//! Small fields shared by several bodies: finish reasons, string-or-list, stream options.

use serde::{Deserialize, Serialize};

/// Why a choice ended.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FinishReason {
    /// An end-of-sequence id, a stop id or a stop string.
    Stop,
    /// `max_tokens` reached, or the context is full.
    Length,
    /// The reply ended with at least one complete tool call.
    ToolCalls,
    /// Cancelled.
    Abort,
    /// The engine failed on this request.
    Error,
    /// A reason of another server that this crate does not produce.
    #[serde(other)]
    Other,
}

/// One string, or a list of them.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(untagged, expecting = "expected a string or a list of strings")]
pub enum OneOrMany {
    /// A single string.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl OneOrMany {
    /// The strings as a slice.
    #[must_use]
    pub fn as_slice(&self) -> &[String] {
        match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::Many(texts) => texts,
        }
    }
}

/// Options of a streamed answer.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct StreamOptions {
    /// Send one more chunk with the usage and no choices before `[DONE]`.
    pub include_usage: bool,
}
