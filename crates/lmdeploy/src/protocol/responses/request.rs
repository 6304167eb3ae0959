//! `POST /v1/responses`: the request.

use std::collections::BTreeMap;

use internlm_kit::by_name;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::super::field::text_or_null;
use super::super::number::{number, numbers};
use super::super::whole::{optional_wholes, top_k, whole};
use super::super::{OneOrMany, StructuredOutputs};

/// Body of a request for a response. Absent fields are not written, and mean the server's defaults.
///
/// ```
/// use lmdeploy::protocol::responses::ResponsesRequest;
/// let request = ResponsesRequest::new("2+2?");
/// assert_eq!(serde_json::to_value(&request)?, serde_json::json!({"model": "", "input": "2+2?"}));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ResponsesRequest {
    /// Name of the model; a server of one model also takes the empty string, and null as that.
    #[serde(default, deserialize_with = "text_or_null")]
    pub model: String,
    /// What the model is told and asked; required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<ResponseInput>,
    /// A system message in front of the conversation. It is not kept for responses that name this one as the previous.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    /// The stored response whose conversation this request continues.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_response_id: Option<String>,
    /// Keep the response for `GET` and for `previous_response_id`. Default true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<bool>,
    /// Functions that the model may call, as OpenAI writes them here: name and parameters beside the type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<Vec<Map<String, Value>>>,
    /// `auto`, `none`, `required`, or an object that names a function or the functions that are allowed. Default `auto`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<Value>,
    /// `false` limits a response to one call. Default true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parallel_tool_calls: Option<bool>,
    /// What the text must look like.
    #[serde(default, deserialize_with = "by_name::optional", skip_serializing_if = "Option::is_none")]
    pub text: Option<TextOptions>,
    /// How much the model thinks, and how that is told.
    #[serde(default, deserialize_with = "by_name::optional", skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<ReasoningOptions>,
    /// What the response contains in addition: `message.output_text.logprobs`, `reasoning.encrypted_content`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include: Option<Vec<String>>,
    /// `auto` drops the oldest messages of a conversation that does not fit; `disabled` refuses it, the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truncation: Option<String>,
    /// Send the response as events while it is generated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<bool>,
    /// Maximum number of ids to generate, reasoning included. Default: as many as fit into the context.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<u32>,
    /// Maximum number of calls of tools that the server runs itself: it runs none.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub max_tool_calls: Option<u32>,
    /// Sampling temperature in [0, 2]; 0 decodes greedily.
    #[serde(default, deserialize_with = "number", skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f32>,
    /// Nucleus sampling: sample among the most likely ids whose probabilities add up to this number, in (0, 1].
    #[serde(default, deserialize_with = "number", skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f32>,
    /// Keep the k most likely ids; 0 keeps all, and so does -1.
    #[serde(default, deserialize_with = "top_k", skip_serializing_if = "Option::is_none")]
    pub top_k: Option<u32>,
    /// Keep ids with at least this share of the most likely id's probability, in [0, 1].
    #[serde(default, deserialize_with = "number", skip_serializing_if = "Option::is_none")]
    pub min_p: Option<f32>,
    /// Divides positive and multiplies negative logits of ids that occurred already; 1 turns it off.
    #[serde(default, deserialize_with = "number", skip_serializing_if = "Option::is_none")]
    pub repetition_penalty: Option<f32>,
    /// Subtracted from the logit of every id that was generated already, in [-2, 2]; 0 turns it off.
    #[serde(default, deserialize_with = "number", skip_serializing_if = "Option::is_none")]
    pub presence_penalty: Option<f32>,
    /// Subtracted from the logit of an id once for each time that it was generated, in [-2, 2]; 0 turns it off.
    #[serde(default, deserialize_with = "number", skip_serializing_if = "Option::is_none")]
    pub frequency_penalty: Option<f32>,
    /// What is added to the logits of ids, in [-100, 100]; the keys are ids written as text.
    #[serde(default, deserialize_with = "numbers", skip_serializing_if = "Option::is_none")]
    pub logit_bias: Option<BTreeMap<String, f32>>,
    /// The same seed and prompt give the same text, alone or in a batch. Default: from the server's base seed.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub seed: Option<i64>,
    /// Strings that end the text and are not part of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<OneOrMany>,
    /// Ids that end the text, in addition to the model's own.
    #[serde(default, deserialize_with = "optional_wholes", skip_serializing_if = "Option::is_none")]
    pub stop_token_ids: Option<Vec<u32>>,
    /// Let the text end with the stop string that ended it. Default false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include_stop_str_in_output: Option<bool>,
    /// Words that are never generated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bad_words: Option<Vec<String>>,
    /// Minimum number of ids to generate before anything but a limit ends the text; LMDeploy calls it `min_new_tokens`.
    #[serde(
        default,
        alias = "min_new_tokens",
        deserialize_with = "whole",
        skip_serializing_if = "Option::is_none"
    )]
    pub min_tokens: Option<u32>,
    /// vLLM's way to ask for a format of the text; not together with `text.format`.
    #[serde(default, deserialize_with = "by_name::optional", skip_serializing_if = "Option::is_none")]
    pub structured_outputs: Option<StructuredOutputs>,
    /// Generate past the model's end-of-sequence ids.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignore_eos: Option<bool>,
    /// Leave special tokens out of the text. Default true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip_special_tokens: Option<bool>,
    /// Number of the most likely ids to return at each place, 0 to 20; above 0 it includes the log-probabilities.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub top_logprobs: Option<u32>,
    /// Variables for the model's chat template, such as `{"enable_thinking": false}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chat_template_kwargs: Option<Map<String, Value>>,
    /// LMDeploy's older form of `chat_template_kwargs: {"enable_thinking": ..}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_thinking: Option<bool>,
    /// Maximum time in seconds, including the time in the queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<f64>,
    /// Requests with smaller numbers run first. Default 0.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
    /// Requests share cached prompts only with requests of the same salt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_salt: Option<String>,
    /// Notes for the client's own records, which are answered as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<BTreeMap<String, String>>,
    /// A name of the end user for the client's own records, which is answered as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The newer name of `user`, which is answered as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub safety_identifier: Option<String>,
    /// A hint for OpenAI's cache, which is answered as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_cache_key: Option<String>,
}

/// The input of a request: a message of the user, or items.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(untagged, expecting = "expected a string or a list of input items")]
pub enum ResponseInput {
    /// What the user says.
    Text(String),
    /// Messages, calls, results and reasoning, oldest first, as they were sent. They are read where they are used, so
    /// that an error can name the place of what is wrong.
    Items(Vec<Map<String, Value>>),
}

/// The field `text` of a request.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct TextOptions {
    /// `{"type": "text"}`, `json_object` or `json_schema` with `name` and `schema`; default `text`.
    pub format: Option<Map<String, Value>>,
    /// How long answers are: only `medium`, because models cannot be told.
    pub verbosity: Option<String>,
}

/// The field `reasoning` of a request.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct ReasoningOptions {
    /// `none`, `low`, `medium`, `high`, or what the model's template knows.
    pub effort: Option<String>,
    /// Only `auto`: there is no summary, because the reasoning itself is answered.
    pub summary: Option<String>,
    /// The older name of `summary`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generate_summary: Option<String>,
}

impl ResponsesRequest {
    /// A request with the server's defaults.
    #[must_use]
    pub fn new(input: impl Into<ResponseInput>) -> Self {
        Self { input: Some(input.into()), ..Self::default() }
    }

    /// Sets the name of the model.
    #[must_use]
    pub fn with_model(self, model: impl Into<String>) -> Self {
        Self { model: model.into(), ..self }
    }

    /// Continues the conversation of a stored response.
    #[must_use]
    pub fn with_previous(self, id: impl Into<String>) -> Self {
        Self { previous_response_id: Some(id.into()), ..self }
    }
}

impl From<&str> for ResponseInput {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for ResponseInput {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Vec<Map<String, Value>>> for ResponseInput {
    fn from(items: Vec<Map<String, Value>>) -> Self {
        Self::Items(items)
    }
}
