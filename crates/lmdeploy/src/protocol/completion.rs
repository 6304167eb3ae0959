//! `POST /v1/completions`: the request and the answer; a stream sends the same body piece by piece.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{FinishReason, OneOrMany, StreamOptions, Usage};

/// What to continue.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(
    untagged,
    expecting = "expected a string, a list of strings, a list of token ids or a list of lists of token ids"
)]
pub enum Prompt {
    /// One text.
    Text(String),
    /// Several texts: one choice each, in order.
    Texts(Vec<String>),
    /// One prompt as ids, taken as they are.
    Ids(Vec<u32>),
    /// Several prompts as ids.
    IdLists(Vec<Vec<u32>>),
}

impl Default for Prompt {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

impl From<&str> for Prompt {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Prompt {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// Body of a completion request.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct CompletionRequest {
    /// Which model; a server of one model also takes the empty string.
    #[serde(default)]
    pub model: String,
    /// What to continue.
    pub prompt: Prompt,
    /// Most ids to generate; default 16. With `echo`, 0 scores the prompt only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    /// Put the prompt before the text, and its log-probabilities before the text's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub echo: Option<bool>,
    /// Return log-probabilities with this many of the likeliest ids: 0 to 20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<u32>,
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
    /// Strings that end the text; not part of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<OneOrMany>,
    /// Ids that end the text besides the model's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_token_ids: Option<Vec<u32>>,
    /// Do not stop at the model's end-of-sequence ids.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignore_eos: Option<bool>,
    /// How many choices per prompt; only 1 yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n: Option<u32>,
    /// Stream pieces instead of one answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<bool>,
    /// Options of the stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream_options: Option<StreamOptions>,
    /// Leave special tokens out of the text; default true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip_special_tokens: Option<bool>,
    /// Text after the insertion: only for models with fill-in-the-middle tokens, of which there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suffix: Option<String>,
    /// Seconds the request may take, queue included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<f64>,
    /// Smaller runs first; default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
}

/// The answer, or one piece of a streamed one.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct CompletionResponse {
    /// `cmpl-...`.
    #[serde(default)]
    pub id: String,
    /// `text_completion`.
    #[serde(default)]
    pub object: String,
    /// Unix seconds.
    #[serde(default)]
    pub created: u64,
    /// The model that answered.
    #[serde(default)]
    pub model: String,
    /// One per prompt, in order; in a stream those with something new.
    #[serde(default)]
    pub choices: Vec<CompletionChoice>,
    /// Token counts; null in a stream but for its last chunk.
    #[serde(default)]
    pub usage: Option<Usage>,
}

/// The text of one prompt.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct CompletionChoice {
    /// The prompt's place in the request.
    #[serde(default)]
    pub index: usize,
    /// The text, with `echo` after the prompt.
    #[serde(default)]
    pub text: String,
    /// When asked for.
    #[serde(default)]
    pub logprobs: Option<CompletionLogprobs>,
    /// Why it ended.
    #[serde(default)]
    pub finish_reason: Option<FinishReason>,
}

/// Log-probabilities, one entry per id in all four lists.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct CompletionLogprobs {
    /// Text of each id.
    #[serde(default)]
    pub tokens: Vec<String>,
    /// Natural logarithm of its probability; null for the first id of an echoed prompt.
    #[serde(default)]
    pub token_logprobs: Vec<Option<f32>>,
    /// The likeliest ids at each place by their text; null when 0 were asked for.
    #[serde(default)]
    pub top_logprobs: Option<Vec<Option<BTreeMap<String, f32>>>>,
    /// Where each id's text begins, in characters.
    #[serde(default)]
    pub text_offset: Vec<usize>,
}
