//! Chunks of a streamed chat answer.

use serde::{Deserialize, Serialize};

use super::{ChatLogprobs, FinishReason, MessageRole, ToolCallDelta, Usage};

/// One `data:` line of a streamed chat answer.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct ChatChunk {
    /// Name of the answer, the same in all of its chunks.
    #[serde(default)]
    pub id: String,
    /// Kind of the body: always `chat.completion.chunk`.
    #[serde(default)]
    pub object: String,
    /// When the answer was begun, in Unix seconds.
    #[serde(default)]
    pub created: u64,
    /// Name of the model that answers.
    #[serde(default)]
    pub model: String,
    /// The next pieces; empty in the usage chunk.
    #[serde(default)]
    pub choices: Vec<ChatChunkChoice>,
    /// Present in the last chunk only, and only when the request asked for it.
    #[serde(default)]
    pub usage: Option<Usage>,
}

/// The next piece of one choice.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct ChatChunkChoice {
    /// Place in the list of choices, from 0.
    #[serde(default)]
    pub index: usize,
    /// The new part of the message.
    #[serde(default)]
    pub delta: ChatDelta,
    /// Log-probabilities of the ids whose text is new in this chunk.
    #[serde(default)]
    pub logprobs: Option<ChatLogprobs>,
    /// Set in the last chunk of the choice.
    #[serde(default)]
    pub finish_reason: Option<FinishReason>,
}

/// A piece of a message.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct ChatDelta {
    /// Author of the message, in the first chunk only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<MessageRole>,
    /// The next characters of the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// The next pieces of tool calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_calls: Option<Vec<ToolCallDelta>>,
}
