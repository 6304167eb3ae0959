//! [`ResponseObject`]: a response, whole or on its way.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::super::Usage;
use super::{OutputItem, ReasoningOptions, TextOptions};

/// A response: the fields of the request with the values that were used, and what the model said.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct ResponseObject {
    /// Name of the response: `resp_` and a number that is unique and hard to guess.
    pub id: String,
    /// Kind of the body: always `response`.
    pub object: String,
    /// When the response was begun, in Unix seconds.
    pub created_at: u64,
    /// When its last item was completed, in Unix seconds.
    #[serde(default)]
    pub completed_at: Option<u64>,
    /// How far the response has come.
    pub status: ResponseStatus,
    /// Always false: a response is generated while its client waits.
    #[serde(default)]
    pub background: bool,
    /// Why a response failed.
    #[serde(default)]
    pub error: Option<ResponseError>,
    /// Why a response is incomplete.
    #[serde(default)]
    pub incomplete_details: Option<IncompleteDetails>,
    /// The value that the request has.
    #[serde(default)]
    pub instructions: Option<String>,
    /// The value that the request has.
    #[serde(default)]
    pub max_output_tokens: Option<u32>,
    /// The value that the request has.
    #[serde(default)]
    pub max_tool_calls: Option<u32>,
    /// Name of the model that answers.
    pub model: String,
    /// What the model said, in order.
    #[serde(default)]
    pub output: Vec<OutputItem>,
    /// The text of all messages of the output, for clients that need nothing else; empty until the response has ended.
    #[serde(default)]
    pub output_text: String,
    /// The request's; default true.
    #[serde(default)]
    pub parallel_tool_calls: bool,
    /// The value that the request has.
    #[serde(default)]
    pub previous_response_id: Option<String>,
    /// The value that the request has.
    #[serde(default)]
    pub prompt_cache_key: Option<String>,
    /// The value that the request has.
    #[serde(default)]
    pub reasoning: ReasoningOptions,
    /// The value that the request has.
    #[serde(default)]
    pub safety_identifier: Option<String>,
    /// Class of service: always `default`.
    #[serde(default)]
    pub service_tier: String,
    /// Whether the response is kept.
    #[serde(default)]
    pub store: bool,
    /// The temperature that is sampled with.
    #[serde(default)]
    pub temperature: Option<f32>,
    /// The request's; default text.
    #[serde(default)]
    pub text: TextOptions,
    /// The request's; default `auto`.
    #[serde(default)]
    pub tool_choice: Value,
    /// The value that the request has.
    #[serde(default)]
    pub tools: Vec<Map<String, Value>>,
    /// The request's; default 0.
    #[serde(default)]
    pub top_logprobs: u32,
    /// The share of probability that is sampled from.
    #[serde(default)]
    pub top_p: Option<f32>,
    /// The request's; default `disabled`.
    #[serde(default)]
    pub truncation: String,
    /// Token counts, once the response has ended.
    #[serde(default)]
    pub usage: Option<ResponseUsage>,
    /// The value that the request has.
    #[serde(default)]
    pub user: Option<String>,
    /// The value that the request has.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
}

/// How far a response has come.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseStatus {
    /// More follows in this stream.
    #[default]
    InProgress,
    /// The model ended its answer.
    Completed,
    /// A limit ended the answer.
    Incomplete,
    /// The engine failed while it ran this request.
    Failed,
    /// The request was aborted through the API; the text so far is the answer.
    Cancelled,
}

/// Why a response failed.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ResponseError {
    /// `server_error`, `rate_limit_exceeded` or `invalid_prompt`.
    pub code: String,
    /// What went wrong, in words for people.
    pub message: String,
}

/// Why a response is incomplete.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct IncompleteDetails {
    /// Always `max_output_tokens`: as many ids as the request allows or as the context holds were generated.
    pub reason: String,
}

/// Token counts of a response.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ResponseUsage {
    /// Number of ids in the prompt, including the chat template and `<s>`.
    pub input_tokens: u64,
    /// Where the prompt's tokens came from.
    pub input_tokens_details: InputTokensDetails,
    /// Number of generated ids, including the end-of-sequence id.
    pub output_tokens: u64,
    /// What the generated tokens were used for.
    pub output_tokens_details: OutputTokensDetails,
    /// Sum of input and output tokens.
    pub total_tokens: u64,
}

/// Where the prompt's tokens came from.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct InputTokensDetails {
    /// Number of tokens whose keys and values were in the prefix cache.
    pub cached_tokens: u64,
    /// Always 0: writing to the cache is not billed.
    #[serde(default)]
    pub cache_write_tokens: u64,
}

/// What the generated tokens were used for.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct OutputTokensDetails {
    /// Number of tokens that the model thought with before it answered.
    pub reasoning_tokens: u64,
}

/// The answer to `DELETE /v1/responses/{id}`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct DeletedResponse {
    /// Name of the response that was deleted.
    pub id: String,
    /// Kind of the body: always `response`.
    pub object: String,
    /// Always true; a response that is not there is answered with 404.
    pub deleted: bool,
}

impl ResponseObject {
    /// The text of all messages, one behind the other.
    #[must_use]
    pub fn text(&self) -> String {
        let messages = self.output.iter().filter(|item| matches!(item, OutputItem::Message(_)));
        messages.map(OutputItem::text).collect()
    }
}

impl From<Usage> for ResponseUsage {
    fn from(usage: Usage) -> Self {
        let cached_tokens = usage.prompt_tokens_details.unwrap_or_default().cached_tokens;
        let reasoning_tokens = usage.completion_tokens_details.unwrap_or_default().reasoning_tokens;
        Self {
            input_tokens: usage.prompt_tokens,
            input_tokens_details: InputTokensDetails { cached_tokens, cache_write_tokens: 0 },
            output_tokens: usage.completion_tokens,
            output_tokens_details: OutputTokensDetails { reasoning_tokens },
            total_tokens: usage.total_tokens,
        }
    }
}
