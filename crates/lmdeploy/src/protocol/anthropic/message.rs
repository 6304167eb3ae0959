//! [`MessageObject`]: a message, whole or on its way.

use serde::{Deserialize, Serialize};

use super::super::Usage;
use super::ContentBlock;

/// A message of the model.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct MessageObject {
    /// Name of the message: `msg_` and a unique number.
    pub id: String,
    /// Kind of the body: always `message`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Author of the message: always `assistant`.
    pub role: String,
    /// Name of the model that answers.
    pub model: String,
    /// What the model said, in order.
    pub content: Vec<ContentBlock>,
    /// Why the message ended; null while more follows, and when the request was aborted through the API.
    pub stop_reason: Option<MessageStop>,
    /// The string of `stop_sequences` that ended the text.
    pub stop_sequence: Option<String>,
    /// Token counts of prompt and answer.
    pub usage: MessageUsage,
    /// The generated ids, when the request asked for them with `return_token_ids`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_ids: Option<Vec<u32>>,
    /// Log-probability and number of each generated id, when the request asked for them with `return_logprob`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_token_logprobs: Option<Vec<(f32, u32)>>,
}

/// Why a message ended.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MessageStop {
    /// The model ended its answer.
    EndTurn,
    /// `max_tokens` ids were generated, or the context is full.
    MaxTokens,
    /// A string of `stop_sequences` appeared.
    StopSequence,
    /// The model calls tools.
    ToolUse,
    /// A reason that other servers give and this one does not.
    #[serde(other)]
    Other,
}

/// Token counts of a message.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct MessageUsage {
    /// Number of ids in the prompt that were not cached. At the start of a stream, where that is not known yet: all of
    /// them, including the chat template and `<s>`, the number that `count_tokens` gives.
    pub input_tokens: u64,
    /// Number of generated ids, including the end-of-sequence id.
    pub output_tokens: u64,
    /// Number of input tokens whose keys and values were in the prefix cache; known when the message has ended.
    pub cache_read_input_tokens: u64,
    /// Always 0: writing to the cache is not billed.
    pub cache_creation_input_tokens: u64,
    /// What the generated tokens were used for.
    pub output_tokens_details: OutputTokensDetails,
}

/// What the generated tokens were used for.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct OutputTokensDetails {
    /// Number of tokens that the model thought with before it answered.
    pub thinking_tokens: u64,
}

/// The answer to `POST /v1/messages/count_tokens`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct TokenCount {
    /// Number of ids in the prompt of the same request.
    pub input_tokens: u64,
}

impl MessageObject {
    /// The text of all text blocks, one behind the other.
    #[must_use]
    pub fn text(&self) -> String {
        let texts = self.content.iter().filter_map(|block| match block {
            ContentBlock::Text { text } => Some(text.as_str()),
            ContentBlock::Thinking { .. } | ContentBlock::ToolUse { .. } => None,
        });
        texts.collect()
    }
}

impl From<Usage> for MessageUsage {
    fn from(usage: Usage) -> Self {
        let thinking_tokens = usage.completion_tokens_details.unwrap_or_default().reasoning_tokens;
        let cached = usage.prompt_tokens_details.unwrap_or_default().cached_tokens;
        Self {
            input_tokens: usage.prompt_tokens.saturating_sub(cached),
            output_tokens: usage.completion_tokens,
            cache_read_input_tokens: cached,
            cache_creation_input_tokens: 0,
            output_tokens_details: OutputTokensDetails { thinking_tokens },
        }
    }
}
