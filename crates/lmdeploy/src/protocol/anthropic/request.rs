//! `POST /v1/messages` and `POST /v1/messages/count_tokens`: the request.

use internlm_kit::by_name;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::super::number::number;
use super::super::whole::{optional_wholes, whole};

/// Body of a request for a message. Absent fields are not written, and mean the server's defaults.
///
/// ```
/// use lmdeploy::protocol::anthropic::{AnthropicMessage, MessagesRequest};
/// let request = MessagesRequest::new(8, [AnthropicMessage::user("2+2?")]);
/// let json = serde_json::json!({"model": "", "max_tokens": 8, "messages": [{"role": "user", "content": "2+2?"}]});
/// assert_eq!(serde_json::to_value(&request)?, json);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct MessagesRequest {
    /// Name of the model; a server of one model also takes the empty string.
    pub model: String,
    /// Maximum number of ids to generate, thinking included; at least 1. Required, but not for counting tokens.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    /// The conversation so far, oldest message first. Text of the assistant at its end is continued.
    #[serde(default, deserialize_with = "by_name::list")]
    pub messages: Vec<AnthropicMessage>,
    /// The whole prompt as ids, taken as they are, in the place of `messages` and `system`.
    #[serde(default, deserialize_with = "optional_wholes", skip_serializing_if = "Option::is_none")]
    pub input_ids: Option<Vec<u32>>,
    /// The system message: a string or text blocks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<AnthropicContent>,
    /// Strings that end the text and are not part of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_sequences: Option<Vec<String>>,
    /// Send the message as events while it is generated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<bool>,
    /// Sampling temperature in [0, 1]; 0 decodes greedily.
    #[serde(default, deserialize_with = "number", skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f32>,
    /// Nucleus sampling: sample among the most likely ids whose probabilities add up to this number, in (0, 1].
    #[serde(default, deserialize_with = "number", skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f32>,
    /// Keep the k most likely ids; 0 keeps all.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub top_k: Option<u32>,
    /// Functions that the model may call: `name`, `description`, `input_schema`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<Vec<Map<String, Value>>>,
    /// `{"type": "auto" | "any" | "tool" | "none"}`, with `name` for `tool`. Default `auto`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<Map<String, Value>>,
    /// Whether the model thinks: `{"type": "enabled" | "adaptive" | "disabled"}`, where `enabled` comes with
    /// `budget_tokens`. Default: what its template says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thinking: Option<Map<String, Value>>,
    /// What the text must look like, and how much effort goes into it.
    #[serde(default, deserialize_with = "by_name::optional", skip_serializing_if = "Option::is_none")]
    pub output_config: Option<OutputConfig>,
    /// What of the conversation is left out: this server takes only edits that keep all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_management: Option<Map<String, Value>>,
    /// Notes for the client's own records; this server passes over them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Map<String, Value>>,
    /// Return the generated ids as `output_ids`, in a stream with the pieces of blocks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_token_ids: Option<bool>,
    /// Return the generated ids with their log-probabilities as `output_token_logprobs`, in the same places.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_logprob: Option<bool>,
    /// Let the text end with the stop sequence that ended it. Default false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include_stop_str_in_output: Option<bool>,
    /// The same seed and prompt give the same text, alone or in a batch. Default: from the server's base seed.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub seed: Option<i64>,
    /// Variables for the model's chat template, such as `{"enable_thinking": false}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chat_template_kwargs: Option<Map<String, Value>>,
    /// Maximum time in seconds, including the time in the queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<f64>,
    /// Requests with smaller numbers run first. Default 0.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
    /// Requests share cached prompts only with requests of the same salt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_salt: Option<String>,
}

/// One message of a conversation.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct AnthropicMessage {
    /// `user`, `assistant` or `system`.
    pub role: String,
    /// What is said, as text or blocks.
    pub content: AnthropicContent,
}

/// Text, or a list of blocks.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(untagged, expecting = "expected a string or a list of content blocks")]
pub enum AnthropicContent {
    /// Plain text, outside of a block.
    Text(String),
    /// Blocks as they were sent. They are read where they are used, so that an error can name the place of what is wrong.
    Blocks(Vec<Map<String, Value>>),
}

/// The field `output_config` of a request.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct OutputConfig {
    /// How much the model thinks, in the words that its template knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effort: Option<String>,
    /// Format of the answer: `{"type": "json_schema", "schema": ..}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<Map<String, Value>>,
}

impl MessagesRequest {
    /// A request for at most `max_tokens` ids, with the server's defaults.
    #[must_use]
    pub fn new(max_tokens: u32, messages: impl IntoIterator<Item = AnthropicMessage>) -> Self {
        Self { max_tokens: Some(max_tokens), messages: messages.into_iter().collect(), ..Self::default() }
    }

    /// Sets the name of the model.
    #[must_use]
    pub fn with_model(self, model: impl Into<String>) -> Self {
        Self { model: model.into(), ..self }
    }
}

impl AnthropicMessage {
    /// A message of the user with plain text.
    #[must_use]
    pub fn user(text: impl Into<String>) -> Self {
        Self { role: "user".to_owned(), content: AnthropicContent::Text(text.into()) }
    }

    /// A message of the assistant with plain text.
    #[must_use]
    pub fn assistant(text: impl Into<String>) -> Self {
        Self { role: "assistant".to_owned(), content: AnthropicContent::Text(text.into()) }
    }
}
