//! `POST /v1/chat/completions`: the request and the whole answer.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ChatMessage, FinishReason, OneOrMany, StreamOptions, ToolDefinition, Usage};

/// Body of a chat request.
///
/// ```
/// use lmdeploy::protocol::{ChatMessage, ChatRequest};
/// let request = ChatRequest {
///     model: "internlm2".into(),
///     messages: vec![ChatMessage::user("2+2?")],
///     temperature: Some(0.0),
///     ..ChatRequest::default()
/// };
/// assert!(!serde_json::to_string(&request)?.contains("top_p"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct ChatRequest {
    /// Which model; a server of one model also takes the empty string.
    #[serde(default)]
    pub model: String,
    /// The conversation.
    pub messages: Vec<ChatMessage>,
    /// Tools the model may call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<Vec<ToolDefinition>>,
    /// `none` hides the tools; `auto` is the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<Value>,
    /// 0 = greedy; in [0, 2].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f32>,
    /// Nucleus: in (0, 1].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f32>,
    /// Keep the k likeliest ids; 0 = all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_k: Option<u32>,
    /// Keep ids with at least this share of the likeliest id's probability: in [0, 1].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_p: Option<f32>,
    /// Divides positive and multiplies negative logits of ids already seen; 1 = off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repetition_penalty: Option<f32>,
    /// Same seed and prompt = same text, alone or in a batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<i64>,
    /// Most ids to generate; default: as many as the context takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    /// The newer name of `max_tokens`; wins when both are given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_completion_tokens: Option<u32>,
    /// Strings that end the text; not part of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<OneOrMany>,
    /// Ids that end the text besides the model's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_token_ids: Option<Vec<u32>>,
    /// Do not stop at the model's end-of-sequence ids.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignore_eos: Option<bool>,
    /// How many choices; only 1 yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n: Option<u32>,
    /// Stream chunks instead of one answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<bool>,
    /// Options of the stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream_options: Option<StreamOptions>,
    /// Return the log-probability of every generated id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<bool>,
    /// ... and of the likeliest ids at its place: 0 to 20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_logprobs: Option<u32>,
    /// Leave special tokens out of the text; default true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip_special_tokens: Option<bool>,
    /// Seconds the request may take, queue included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<f64>,
    /// Smaller runs first; default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
}

/// The whole answer.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct ChatResponse {
    /// `chatcmpl-...`.
    #[serde(default)]
    pub id: String,
    /// `chat.completion`.
    #[serde(default)]
    pub object: String,
    /// Unix seconds.
    #[serde(default)]
    pub created: u64,
    /// The model that answered.
    #[serde(default)]
    pub model: String,
    /// The choices.
    pub choices: Vec<ChatChoice>,
    /// Token counts.
    #[serde(default)]
    pub usage: Usage,
}

/// One choice of an answer.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct ChatChoice {
    /// From 0.
    #[serde(default)]
    pub index: usize,
    /// What the model said.
    pub message: ChatMessage,
    /// When asked for.
    #[serde(default)]
    pub logprobs: Option<ChatLogprobs>,
    /// Why it ended.
    #[serde(default)]
    pub finish_reason: Option<FinishReason>,
}

/// Log-probabilities of the generated ids, of the distribution before penalties and temperature.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct ChatLogprobs {
    /// One entry per id.
    #[serde(default)]
    pub content: Vec<TokenLogprob>,
}

/// One generated id and its log-probability.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct TokenLogprob {
    /// The id's text; `U+FFFD` where it holds part of a character.
    pub token: String,
    /// Natural logarithm of its probability.
    pub logprob: f32,
    /// The id's bytes.
    #[serde(default)]
    pub bytes: Option<Vec<u8>>,
    /// The likeliest ids at this place, best first.
    #[serde(default)]
    pub top_logprobs: Vec<TopLogprob>,
}

/// One of the likeliest ids at a place.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct TopLogprob {
    /// The id's text.
    pub token: String,
    /// Natural logarithm of its probability.
    pub logprob: f32,
    /// The id's bytes.
    #[serde(default)]
    pub bytes: Option<Vec<u8>>,
}

impl ChatResponse {
    /// The message of the first choice.
    #[must_use]
    pub fn message(&self) -> Option<&ChatMessage> {
        self.choices.first().map(|choice| &choice.message)
    }
}
