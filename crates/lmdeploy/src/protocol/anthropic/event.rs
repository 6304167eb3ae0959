//! [`MessageEvent`]: one event of a streamed message.

use serde::{Deserialize, Serialize};

use super::{BlockDelta, ContentBlock, MessageObject, MessageStop, MessageUsage};

/// One event of a stream; its name is in front of its data and inside of it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum MessageEvent {
    /// The first event of a stream.
    MessageStart {
        /// The message without its content, with the real number of input tokens.
        message: Box<MessageObject>,
    },
    /// A block begins. The one before it has ended.
    ContentBlockStart {
        /// Place of the block in the message, from 0.
        index: usize,
        /// The block, which is still empty.
        content_block: ContentBlock,
    },
    /// A block grows by a piece.
    ContentBlockDelta {
        /// Place of the block in the message.
        index: usize,
        /// The piece that the block grows by.
        delta: BlockDelta,
        /// The ids that were generated since the last piece, when the request asked for them with `return_token_ids`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        output_ids: Option<Vec<u32>>,
        /// The same ids with their log-probabilities, when the request asked for them with `return_logprob`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        output_token_logprobs: Option<Vec<(f32, u32)>>,
    },
    /// A block is whole.
    ContentBlockStop {
        /// Place of the block in the message.
        index: usize,
    },
    /// Why the message ended, after its last block.
    MessageDelta {
        /// What has changed in the message.
        delta: MessageChange,
        /// Token counts of the whole message.
        usage: MessageUsage,
    },
    /// The last event of a stream.
    MessageStop,
    /// Nothing has happened, and the connection is alive.
    Ping,
    /// The request failed; the last event.
    Error {
        /// What went wrong, by kind and message.
        error: AnthropicErrorDetail,
        /// Name of the request in logs.
        request_id: String,
    },
}

/// What the end of a stream tells of the message.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct MessageChange {
    /// Why the message ended.
    pub stop_reason: Option<MessageStop>,
    /// The string of `stop_sequences` that ended the text.
    pub stop_sequence: Option<String>,
}

/// What went wrong, as Anthropic writes it; bodies of errors have it as `error`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct AnthropicErrorDetail {
    /// `invalid_request_error`, `not_found_error`, `rate_limit_error`, `overloaded_error`, `api_error`, ...
    #[serde(rename = "type")]
    pub kind: String,
    /// What went wrong, in words for people; it begins with the path of the field that is wrong.
    pub message: String,
}

impl MessageEvent {
    /// The event's name on the wire, which its data repeats as `type`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::MessageStart { .. } => "message_start",
            Self::ContentBlockStart { .. } => "content_block_start",
            Self::ContentBlockDelta { .. } => "content_block_delta",
            Self::ContentBlockStop { .. } => "content_block_stop",
            Self::MessageDelta { .. } => "message_delta",
            Self::MessageStop => "message_stop",
            Self::Ping => "ping",
            Self::Error { .. } => "error",
        }
    }
}
