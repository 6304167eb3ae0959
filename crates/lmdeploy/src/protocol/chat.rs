//! `POST /v1/chat/completions`: the request and the whole answer.

use internlm_kit::by_name;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::builder::shared_builders;
use super::field::text_or_null;
use super::whole::{optional_wholes, whole};
use super::{ChatMessage, FinishReason, OneOrMany, StreamOptions, ToolDefinition, Usage};

/// Body of a chat request. Absent fields are not written, and mean the server's defaults.
///
/// ```
/// use lmdeploy::protocol::{ChatMessage, ChatRequest};
/// let request = ChatRequest::new([ChatMessage::user("2+2?")]).with_temperature(0.0).with_max_tokens(8);
/// let json = serde_json::to_value(&request)?;
/// assert_eq!((json["temperature"].as_f64(), json["max_tokens"].as_u64()), (Some(0.0), Some(8)));
/// assert_eq!(json.get("top_p"), None);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ChatRequest {
    /// Name of the model; a server of one model also takes the empty string, and null as that.
    #[serde(default, deserialize_with = "text_or_null")]
    pub model: String,
    /// The conversation so far, oldest message first.
    pub messages: Vec<ChatMessage>,
    /// Tools that the model may call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<Vec<ToolDefinition>>,
    /// `none` hides the tools from the model; the default is `auto`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<Value>,
    /// `true` begins a new answer behind a conversation that ends with one; `false` does not begin an answer. Default:
    /// an answer is begun, unless the conversation ends with text of the assistant, which is continued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub add_generation_prompt: Option<bool>,
    /// `true` continues the last message, which is the assistant's; the answer has only what is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continue_final_message: Option<bool>,
    /// Variables for the model's chat template, such as `{"enable_thinking": false}`. One that the template does not use
    /// is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chat_template_kwargs: Option<Map<String, Value>>,
    /// LMDeploy's older form of `chat_template_kwargs: {"enable_thinking": ..}`, which wins when both are given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_thinking: Option<bool>,
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
    /// Maximum number of ids to generate. Default: as many as fit into the context.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    /// The newer name of `max_tokens`, which wins when both are given.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub max_completion_tokens: Option<u32>,
    /// Strings that end the text and are not part of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<OneOrMany>,
    /// Ids that end the text, in addition to the model's own.
    #[serde(default, deserialize_with = "optional_wholes", skip_serializing_if = "Option::is_none")]
    pub stop_token_ids: Option<Vec<u32>>,
    /// Generate past the model's end-of-sequence ids.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignore_eos: Option<bool>,
    /// Number of choices; only 1 is supported.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub n: Option<u32>,
    /// Send the answer in chunks as it is generated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<bool>,
    /// What a streamed answer contains in addition.
    #[serde(default, deserialize_with = "by_name::optional", skip_serializing_if = "Option::is_none")]
    pub stream_options: Option<StreamOptions>,
    /// Return the log-probability of every generated id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<bool>,
    /// Return as many of the most likely ids at each place, 0 to 20; needs `logprobs`.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub top_logprobs: Option<u32>,
    /// Leave special tokens out of the text. Default true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip_special_tokens: Option<bool>,
    /// Maximum time in seconds, including the time in the queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<f64>,
    /// Requests with smaller numbers run first. Default 0.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
}

impl ChatRequest {
    /// A request to answer `messages`, with the server's defaults.
    #[must_use]
    pub fn new(messages: impl IntoIterator<Item = ChatMessage>) -> Self {
        Self { messages: messages.into_iter().collect(), ..Self::default() }
    }

    /// Offers tools to the model.
    #[must_use]
    pub fn with_tools(self, tools: impl IntoIterator<Item = ToolDefinition>) -> Self {
        Self { tools: Some(tools.into_iter().collect()), ..self }
    }

    /// Asks for the log-probability of every generated id, and of the `top` most likely ids at its place.
    #[must_use]
    pub fn with_logprobs(self, top: u32) -> Self {
        Self { logprobs: Some(true), top_logprobs: Some(top), ..self }
    }
}

shared_builders!(ChatRequest);

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
    /// The answers; one, because `n` is 1.
    pub choices: Vec<ChatChoice>,
    /// Token counts of prompt and answer.
    #[serde(default)]
    pub usage: Usage,
}

/// One choice of a chat answer.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
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
