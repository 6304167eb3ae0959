//! Small fields that several bodies share: finish reasons, string-or-list, stream options.

use serde::{Deserialize, Deserializer, Serialize};

/// Why the text of a choice ended.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FinishReason {
    /// The model sampled an end-of-sequence id or a stop id, or a stop string appeared.
    Stop,
    /// `max_tokens` ids were generated, or the context is full.
    Length,
    /// The reply ended with at least one complete tool call.
    ToolCalls,
    /// The request was cancelled before its text was complete.
    Abort,
    /// The engine failed while it ran this request.
    Error,
    /// A reason that other servers give and this one does not.
    #[serde(other)]
    Other,
}

/// What ended a text that did not end by itself.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(untagged, expecting = "expected a stop string or the number of an id")]
pub enum StopReason {
    /// A string of `stop`.
    Text(String),
    /// An id of `stop_token_ids`.
    Id(u32),
}

/// One string, or a list of them.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(untagged, expecting = "expected a string or a list of strings")]
pub enum OneOrMany {
    /// A single string, outside of a list.
    One(String),
    /// A list of strings, which may be empty.
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

/// Reads a string or null, which is the empty string.
pub(super) fn text_or_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Option::<String>::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// What a streamed answer contains in addition to the chunks.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct StreamOptions {
    /// Send one more chunk before `[DONE]`, with the usage and without choices.
    pub include_usage: bool,
    /// Write the token counts so far into every chunk as well; only together with `include_usage`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub continuous_usage_stats: bool,
}
