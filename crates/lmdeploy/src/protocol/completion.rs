//! `POST /v1/completions`: the request and the answer; a stream sends the same body piece by piece.

use std::collections::BTreeMap;

use internlm_kit::by_name;
use serde::{Deserialize, Serialize};

use super::builder::shared_builders;
use super::field::text_or_null;
use super::whole::{optional_wholes, whole, whole_lists, wholes};
use super::{FinishReason, OneOrMany, StreamOptions, Usage};

/// What to continue: text or ids, one prompt or several.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(
    untagged,
    expecting = "expected a string, a list of strings, a list of token ids or a list of lists of token ids"
)]
pub enum Prompt {
    /// One prompt as text; the answer has one choice.
    Text(String),
    /// Several prompts as text; the answer has one choice for each, in order.
    Texts(Vec<String>),
    /// One prompt as ids, taken as they are.
    Ids(#[serde(deserialize_with = "wholes")] Vec<u32>),
    /// Several prompts as ids, taken as they are; one choice for each, in order.
    IdLists(#[serde(deserialize_with = "whole_lists")] Vec<Vec<u32>>),
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

impl From<Vec<u32>> for Prompt {
    fn from(ids: Vec<u32>) -> Self {
        Self::Ids(ids)
    }
}

impl From<String> for Prompt {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// Body of a completion request. Absent fields are not written, and mean the server's defaults.
///
/// ```
/// use lmdeploy::protocol::CompletionRequest;
/// let score = CompletionRequest::new("Once upon a time").with_echo().with_logprobs(0).with_max_tokens(0);
/// assert_eq!((score.echo, score.logprobs, score.max_tokens), (Some(true), Some(0), Some(0)));
/// ```
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct CompletionRequest {
    /// Name of the model; a server of one model also takes the empty string, and null as that.
    #[serde(default, deserialize_with = "text_or_null")]
    pub model: String,
    /// What to continue: text or ids, one prompt or several. Marks such as `<|im_start|>` in a text are read as marks.
    pub prompt: Prompt,
    /// Maximum number of ids to generate. Default 16; with `echo`, 0 only scores the prompt.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    /// Another name of `max_tokens`, which wins when both are given.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub max_completion_tokens: Option<u32>,
    /// Put the prompt before the text, and its log-probabilities before those of the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub echo: Option<bool>,
    /// Return log-probabilities, with this many of the most likely ids at each place, 0 to 20.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<u32>,
    /// Sampling temperature in [0, 2]; 0 decodes greedily.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f32>,
    /// Nucleus sampling: sample among the most likely ids whose probabilities add up to this number, in (0, 1].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f32>,
    /// Keep the k most likely ids; 0 keeps all.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub top_k: Option<u32>,
    /// Keep ids with at least this share of the most likely id's probability, in [0, 1].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_p: Option<f32>,
    /// Divides positive and multiplies negative logits of ids that occurred already; 1 turns it off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repetition_penalty: Option<f32>,
    /// The same seed and prompt give the same text, alone or in a batch. Default: from the server's base seed.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub seed: Option<i64>,
    /// Strings that end the text and are not part of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<OneOrMany>,
    /// Ids that end the text, in addition to the model's own.
    #[serde(default, deserialize_with = "optional_wholes", skip_serializing_if = "Option::is_none")]
    pub stop_token_ids: Option<Vec<u32>>,
    /// Generate past the model's end-of-sequence ids.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignore_eos: Option<bool>,
    /// Number of choices per prompt; only 1 is supported.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub n: Option<u32>,
    /// Send the answer in pieces as it is generated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<bool>,
    /// What a streamed answer contains in addition.
    #[serde(default, deserialize_with = "by_name::optional", skip_serializing_if = "Option::is_none")]
    pub stream_options: Option<StreamOptions>,
    /// Leave special tokens out of the text. Default true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip_special_tokens: Option<bool>,
    /// Text after the insertion; refused, because no supported model has fill-in-the-middle tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suffix: Option<String>,
    /// Maximum time in seconds, including the time in the queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<f64>,
    /// Requests with smaller numbers run first. Default 0.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
}

impl CompletionRequest {
    /// A request to continue `prompt`, with the server's defaults.
    #[must_use]
    pub fn new(prompt: impl Into<Prompt>) -> Self {
        Self { prompt: prompt.into(), ..Self::default() }
    }

    /// Puts the prompt before the text, so that it can be scored. To score only, set `max_tokens` to 0.
    #[must_use]
    pub fn with_echo(self) -> Self {
        Self { echo: Some(true), ..self }
    }

    /// Asks for log-probabilities, with `top` of the most likely ids at each place.
    #[must_use]
    pub fn with_logprobs(self, top: u32) -> Self {
        Self { logprobs: Some(top), ..self }
    }
}

shared_builders!(CompletionRequest);

/// The answer to a completion request, or one piece of a streamed answer.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct CompletionResponse {
    /// Name of the answer: `cmpl-` and a unique number.
    #[serde(default, deserialize_with = "text_or_null")]
    pub id: String,
    /// Kind of the body: always `text_completion`.
    #[serde(default, deserialize_with = "text_or_null")]
    pub object: String,
    /// When the answer was begun, in Unix seconds.
    #[serde(default)]
    pub created: u64,
    /// Name of the model that answered.
    #[serde(default, deserialize_with = "text_or_null")]
    pub model: String,
    /// One choice per prompt, in order; in a stream, those with new text.
    #[serde(default)]
    pub choices: Vec<CompletionChoice>,
    /// Token counts; in a stream, only the last piece has them.
    #[serde(default)]
    pub usage: Option<Usage>,
}

/// The text that continues one prompt.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct CompletionChoice {
    /// Place of the prompt in the request, from 0.
    #[serde(default)]
    pub index: usize,
    /// The generated text, after the prompt when `echo` is set.
    #[serde(default)]
    pub text: String,
    /// Present when the request asked for it.
    #[serde(default)]
    pub logprobs: Option<CompletionLogprobs>,
    /// Why the text ended; null while more follows.
    #[serde(default)]
    pub finish_reason: Option<FinishReason>,
}

/// Log-probabilities; each of the four lists has one entry per id.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct CompletionLogprobs {
    /// Text of each id; `bytes:\\x..` when it is part of a character.
    #[serde(default)]
    pub tokens: Vec<String>,
    /// Natural logarithm of its probability; null for the first id of an echoed prompt.
    #[serde(default)]
    pub token_logprobs: Vec<Option<f32>>,
    /// The most likely ids at each place, by their text; null when the request asked for 0.
    #[serde(default)]
    pub top_logprobs: Option<Vec<Option<BTreeMap<String, f32>>>>,
    /// Where the text of each id begins, in characters.
    #[serde(default)]
    pub text_offset: Vec<usize>,
}
