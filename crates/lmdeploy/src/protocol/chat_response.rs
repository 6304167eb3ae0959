//! The whole answer to a chat request.

use serde::{Deserialize, Serialize};

use super::field::text_or_null;
use super::{ChatMessage, FinishReason, PromptLogprobs, StopReason, Timings, Usage};

/// The whole answer to a chat request.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct ChatResponse {
    /// Name of the answer: `chatcmpl-` and a unique number.
    #[serde(default, deserialize_with = "text_or_null")]
    pub id: String,
    /// Kind of the body: always `chat.completion`.
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
    /// The answers, `n` of them.
    pub choices: Vec<ChatChoice>,
    /// Token counts of prompt and answer.
    #[serde(default)]
    pub usage: Usage,
    /// How long prompt and answer took, when the request asked for it with `timings_per_token`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timings: Option<Timings>,
    /// The ids of the prompt, when the request asked for them with `return_token_ids`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_token_ids: Option<Vec<u32>>,
    /// The prompt as the chat template has made it, when the request asked for it with `return_prompt_text`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_text: Option<String>,
    /// Log-probabilities of the prompt's ids, when the request asked for them with `prompt_logprobs`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_logprobs: Option<PromptLogprobs>,
}

/// One choice of a chat answer.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct ChatChoice {
    /// Place in the list of choices, from 0.
    #[serde(default)]
    pub index: usize,
    /// The answer: text, tool calls, or both.
    pub message: ChatMessage,
    /// Present when the request asked for it.
    #[serde(default)]
    pub logprobs: Option<ChatLogprobs>,
    /// Why the text ended; null while more follows.
    #[serde(default)]
    pub finish_reason: Option<FinishReason>,
    /// The stop string or the id of `stop_token_ids` that ended the text; null when something else did.
    #[serde(default)]
    pub stop_reason: Option<StopReason>,
    /// The generated ids, when the request asked for them with `return_token_ids`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_ids: Option<Vec<u32>>,
    /// The same ids under the name that vLLM has for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_ids: Option<Vec<u32>>,
    /// Log-probability and number of each generated id, when the request asked for them with `return_logprob`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_token_logprobs: Option<Vec<(f32, u32)>>,
}

/// Log-probabilities of the generated ids, in the distribution before penalties and temperature.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct ChatLogprobs {
    /// One entry per generated id, in order.
    #[serde(default)]
    pub content: Vec<TokenLogprob>,
}

/// One generated id and its log-probability.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct TokenLogprob {
    /// The id's text, with `U+FFFD` in place of an incomplete character.
    pub token: String,
    /// Natural logarithm of its probability.
    pub logprob: f32,
    /// The id's exact bytes, also of an incomplete character.
    #[serde(default)]
    pub bytes: Option<Vec<u8>>,
    /// The most likely ids at this place, best first.
    #[serde(default)]
    pub top_logprobs: Vec<TopLogprob>,
}

/// One of the most likely ids at a place.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct TopLogprob {
    /// The id's text, with `U+FFFD` in place of an incomplete character.
    pub token: String,
    /// Natural logarithm of its probability.
    pub logprob: f32,
    /// The id's exact bytes, also of an incomplete character.
    #[serde(default)]
    pub bytes: Option<Vec<u8>>,
}

impl ChatResponse {
    /// The message of the first choice.
    #[must_use]
    pub fn message(&self) -> Option<&ChatMessage> {
        self.choices.first().map(|choice| &choice.message)
    }

    /// The text of the first choice; empty when it only calls tools, or when there are no choices.
    #[must_use]
    pub fn text(&self) -> String {
        self.message().map(ChatMessage::text).unwrap_or_default()
    }
}
