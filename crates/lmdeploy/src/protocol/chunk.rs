//! Chunks of a streamed chat answer.

use serde::{Deserialize, Serialize};

use super::{ChatLogprobs, FinishReason, MessageRole, ToolCallDelta, Usage};

/// One `data:` line of a streamed chat answer.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct ChatChunk {
    /// The same in all chunks of an answer.
    #[serde(default)]
    pub id: String,
    /// `chat.completion.chunk`.
    #[serde(default)]
    pub object: String,
    /// Unix seconds.
    #[serde(default)]
    pub created: u64,
    /// The model that answers.
    #[serde(default)]
    pub model: String,
    /// The pieces; empty in the usage chunk.
    #[serde(default)]
    pub choices: Vec<ChatChunkChoice>,
    /// Only in the last chunk, and only when asked for.
    #[serde(default)]
    pub usage: Option<Usage>,
}

/// The next piece of one choice.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct ChatChunkChoice {
    /// From 0.
    #[serde(default)]
    pub index: usize,
    /// The piece.
    #[serde(default)]
    pub delta: ChatDelta,
    /// Of the ids whose text is new in this chunk.
    #[serde(default)]
    pub logprobs: Option<ChatLogprobs>,
    /// Set in the last chunk of the choice.
    #[serde(default)]
    pub finish_reason: Option<FinishReason>,
}

/// A piece of a message.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct ChatDelta {
    /// `assistant`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<MessageRole>,
    /// The next characters of the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// Pieces of calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_calls: Option<Vec<ToolCallDelta>>,
}
