//! `POST /v1/encode`, `/tokenize` and `/detokenize`: text to ids and back.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

#[cfg(feature = "server")]
use super::request_fields::{RequestFields, Row, Treatment};
use super::whole::wholes;
use super::{ChatMessage, OneOrMany, TokenList, ToolDefinition};

/// Body of a request to `/v1/encode`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct EncodeRequest {
    /// One text or several. Marks such as `<|im_start|>` are read as marks.
    pub input: OneOrMany,
    /// Put each text into the chat template, as the message of a user. Default false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub do_preprocess: Option<bool>,
    /// Begin with `<s>` where the tokenizer adds it. Default true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub add_bos: Option<bool>,
}

/// The answer of `/v1/encode`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct EncodeResponse {
    /// The ids of the text, or one list for each text.
    pub input_ids: TokenLists,
    /// Number of ids of the text, or of each text.
    pub length: Lengths,
}

/// The ids of one text, or of several.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(untagged)]
pub enum TokenLists {
    /// A single text, outside of a list.
    One(Vec<u32>),
    /// A list of texts.
    Many(Vec<Vec<u32>>),
}

/// The length of one text, or of several.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Lengths {
    /// A single text, outside of a list.
    One(usize),
    /// A list of texts.
    Many(Vec<usize>),
}

/// Body of a request to `/tokenize`: exactly one of `prompt` (vLLM), `content` (llama.cpp) and `messages` (vLLM).
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TokenizeRequest {
    /// Name of the model; absent: the one that is served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// A text, which begins with `<s>` where the tokenizer adds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// A text, to which nothing is added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// A conversation, which is put into the chat template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub messages: Option<Vec<ChatMessage>>,
    /// Tools of the conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<Vec<ToolDefinition>>,
    /// Whether the conversation ends with the beginning of an answer. Default true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub add_generation_prompt: Option<bool>,
    /// Whether the last message of the conversation stays open, as if more followed. Default: as in a chat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continue_final_message: Option<bool>,
    /// Variables for the model's chat template, such as `{"enable_thinking": false}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chat_template_kwargs: Option<Map<String, Value>>,
    /// Whether `prompt` or the conversation begins with `<s>` in any case. Default: `prompt` does, and a conversation as
    /// its template says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub add_special_tokens: Option<bool>,
    /// Whether `content` begins with `<s>`. Default false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub add_special: Option<bool>,
    /// Whether marks in `content` are read as marks. Default true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parse_special: Option<bool>,
    /// Return the text of each id as well. Default false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_token_strs: Option<bool>,
    /// Return each id as an object with its text, as llama.cpp does. Default false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with_pieces: Option<bool>,
}

/// The answer of `/tokenize`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TokenizeResponse {
    /// Number of ids in all texts.
    pub count: usize,
    /// Maximum length of prompt and answer together, in tokens.
    pub max_model_len: usize,
    /// The ids in order, alone or with their texts.
    pub tokens: TokenList,
    /// The entry of the vocabulary of each id, when asked for.
    #[serde(default)]
    pub token_strs: Option<Vec<String>>,
}

/// Body of a request to `/detokenize`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct DetokenizeRequest {
    /// Name of the model; absent: the one that is served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The ids in order.
    #[serde(deserialize_with = "wholes")]
    pub tokens: Vec<u32>,
}

/// The answer of `/detokenize`: the text, with its marks, under the names of two peers.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct DetokenizeResponse {
    /// The text under vLLM's name.
    pub prompt: String,
    /// The text under llama.cpp's name.
    pub content: String,
}

#[cfg(feature = "server")]
impl RequestFields for EncodeRequest {
    const SHARED: &'static [&'static [Row]] = &[];
    const OWN: &'static [Row] =
        &[("input", Treatment::Used), ("do_preprocess", Treatment::Used), ("add_bos", Treatment::Used)];
}

#[cfg(feature = "server")]
impl RequestFields for TokenizeRequest {
    const SHARED: &'static [&'static [Row]] = &[];
    const OWN: &'static [Row] = &[
        ("model", Treatment::Used),
        ("prompt", Treatment::Used),
        ("content", Treatment::Used),
        ("messages", Treatment::Used),
        ("tools", Treatment::Used),
        ("add_generation_prompt", Treatment::Used),
        ("continue_final_message", Treatment::Used),
        ("chat_template_kwargs", Treatment::Used),
        ("add_special_tokens", Treatment::Used),
        ("add_special", Treatment::Used),
        ("parse_special", Treatment::Used),
        ("return_token_strs", Treatment::Used),
        ("with_pieces", Treatment::Used),
        ("chat_template", Treatment::Refused(&[])),
        ("media_io_kwargs", Treatment::Refused(&["{}"])),
        ("mm_processor_kwargs", Treatment::Refused(&["{}"])),
    ];
}

#[cfg(feature = "server")]
impl RequestFields for DetokenizeRequest {
    const SHARED: &'static [&'static [Row]] = &[];
    const OWN: &'static [Row] = &[("model", Treatment::Used), ("tokens", Treatment::Used)];
}
