//! The answer to a completion request; a stream sends the same body piece by piece.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::field::text_or_null;
use super::{FinishReason, PromptLogprobs, StopReason, Timings, Usage};

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
    /// Version of the software that answered, so that clients notice a change of what equal seeds give.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_fingerprint: Option<String>,
    /// `n` choices per prompt, in the order of the prompts; in a stream, those with new text.
    #[serde(default)]
    pub choices: Vec<CompletionChoice>,
    /// Token counts; in a stream, only the last piece has them, unless the request asked for them in all.
    #[serde(default)]
    pub usage: Option<Usage>,
    /// How long prompt and answer took, when the request asked for it with `timings_per_token`, in a stream in the last piece of each choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timings: Option<Timings>,
}

/// The text that continues one prompt.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct CompletionChoice {
    /// Place in the list of choices, from 0: the prompt's place x `n` + the choice's.
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
    /// The stop string or the id of `stop_token_ids` that ended the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_reason: Option<StopReason>,
    /// The generated ids, when the request asked for them with `return_token_ids`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_ids: Option<Vec<u32>>,
    /// The same ids under the name that vLLM has for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_ids: Option<Vec<u32>>,
    /// The ids of the prompt, in the first piece of a choice, when the request asked for them with `return_token_ids`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_token_ids: Option<Vec<u32>>,
    /// Log-probabilities of the prompt's ids, when the request asked for them with `prompt_logprobs`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_logprobs: Option<PromptLogprobs>,
    /// Log-probability and number of each generated id, when the request asked for them with `return_logprob`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_token_logprobs: Option<Vec<(f32, u32)>>,
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
    /// The most likely ids at each place, by their text, and the id that is there; null for the first id of an echoed
    /// prompt.
    #[serde(default)]
    pub top_logprobs: Option<Vec<Option<BTreeMap<String, f32>>>>,
    /// Where the text of each id begins, in characters.
    #[serde(default)]
    pub text_offset: Vec<usize>,
}
