//! `POST /v1/embeddings` and `POST /pooling`: texts -> vectors.

use serde::{Deserialize, Serialize};

use super::field::text_or_null;
#[cfg(feature = "server")]
use super::request_fields::{RequestFields, Row, Treatment};
use super::whole::whole;
use super::{ChatMessage, EmbeddingInput, PromptTokensDetails, TruncationSide, Vector};

/// Body of a request for the vectors of texts.
///
/// ```
/// use lmdeploy::protocol::{EmbeddingRequest, PoolingMethod};
/// let request = EmbeddingRequest::new("a text").with_pooling(PoolingMethod::Mean).with_dimensions(64);
/// let json = serde_json::to_value(&request)?;
/// assert_eq!((json["pooling"].as_str(), json["dimensions"].as_u64()), (Some("mean"), Some(64)));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct EmbeddingRequest {
    /// Name of the model; a server of one model also takes the empty string, and null as that.
    #[serde(default, deserialize_with = "text_or_null")]
    pub model: String,
    /// One text or several, each as a string or as ids. In strings, marks such as `<|im_start|>` are read as marks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<EmbeddingInput>,
    /// A conversation in the place of `input`, which is put into the chat template; its vector is the only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub messages: Option<Vec<ChatMessage>>,
    /// Whether the conversation ends with the beginning of an answer. Default false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub add_generation_prompt: Option<bool>,
    /// Whether the last message of the conversation stays open, as if more followed. Default false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continue_final_message: Option<bool>,
    /// How each vector is written. Default: a list of numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding_format: Option<EmbeddingFormat>,
    /// Keep this many of the first numbers of each vector. Default: all of them.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub dimensions: Option<u32>,
    /// Which hidden states become the vector. Default: those of the last token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pooling: Option<PoolingMethod>,
    /// Scale each vector to length 1, after it was shortened. Default: `/v1/embeddings` does, `/pooling` does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub normalize: Option<bool>,
    /// vLLM's newer name of `normalize`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub use_activation: Option<bool>,
    /// vLLM's name of what is wanted. With one, `/pooling` scales by default, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<PoolingTask>,
    /// Begin each text with `<s>` where the tokenizer adds it. Default true; not for a conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub add_special_tokens: Option<bool>,
    /// Cut longer texts to this many tokens; -1 cuts them to the context. Default: longer ones than that are refused.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub truncate_prompt_tokens: Option<i32>,
    /// Which end of a text is cut off. Default: its beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truncation_side: Option<TruncationSide>,
    /// A name of the end user for the client's own records; this server passes over it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Requests with smaller numbers run first. Default 0.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
    /// Separates tenants: cached prompts are shared only between requests of the same salt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_salt: Option<String>,
    /// Maximum time for the whole request, in seconds. Default: the server's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<f64>,
}

/// Body of a request to `/pooling`: the same fields, but by default its vectors are not scaled.
pub type PoolingRequest = EmbeddingRequest;

/// How the vectors of an answer are written.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EmbeddingFormat {
    /// A list of numbers.
    #[default]
    Float,
    /// [`Vector::Base64`], which is shorter and faster to read.
    Base64,
}

/// Which hidden states after the final norm become the vector of a text.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PoolingMethod {
    /// Those of the last token, which has seen all others; vLLM's choice for models that generate text.
    #[default]
    Last,
    /// The mean over all tokens.
    Mean,
}

/// What the vectors of a request are for.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PoolingTask {
    /// To be compared with each other. Classes and vectors of single tokens do not exist here.
    Embed,
}

impl EmbeddingRequest {
    /// A request for the vectors of `input`, with the server's defaults.
    #[must_use]
    pub fn new(input: impl Into<EmbeddingInput>) -> Self {
        Self { input: Some(input.into()), ..Self::default() }
    }

    /// A request for the vector of a conversation.
    #[must_use]
    pub fn of_messages(messages: impl IntoIterator<Item = ChatMessage>) -> Self {
        Self { messages: Some(messages.into_iter().collect()), ..Self::default() }
    }

    /// Sets the name of the model.
    #[must_use]
    pub fn with_model(self, model: impl Into<String>) -> Self {
        Self { model: model.into(), ..self }
    }

    /// Sets how the vectors are written.
    #[must_use]
    pub fn with_format(self, format: EmbeddingFormat) -> Self {
        Self { encoding_format: Some(format), ..self }
    }

    /// Keeps only the first numbers of each vector.
    #[must_use]
    pub fn with_dimensions(self, dimensions: u32) -> Self {
        Self { dimensions: Some(dimensions), ..self }
    }

    /// Sets which hidden states become the vector.
    #[must_use]
    pub fn with_pooling(self, pooling: PoolingMethod) -> Self {
        Self { pooling: Some(pooling), ..self }
    }
}

/// The answer of `/v1/embeddings`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct EmbeddingResponse {
    /// Name of the answer, unique within the server.
    pub id: String,
    /// When the answer was made, in Unix seconds.
    pub created: u64,
    /// Kind of the body: always `list`.
    pub object: String,
    /// One entry per input, in order.
    pub data: Vec<EmbeddingData>,
    /// Name of the model that computed the vectors.
    pub model: String,
    /// Number of tokens of all inputs.
    pub usage: EmbeddingUsage,
}

/// The vector of one input.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct EmbeddingData {
    /// Kind of the entry: always `embedding`.
    pub object: String,
    /// The numbers in the form that was asked for.
    pub embedding: Vector,
    /// Place of the input in the request, counted from 0.
    pub index: usize,
}

/// The answer of `/pooling`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct PoolingResponse {
    /// Name of the answer, unique within the server.
    pub id: String,
    /// Kind of the body: always `list`.
    pub object: String,
    /// When the answer was made, in Unix seconds.
    pub created: u64,
    /// Name of the model that computed the vectors.
    pub model: String,
    /// One entry per input, in order.
    pub data: Vec<PoolingData>,
    /// Number of tokens of all inputs.
    pub usage: EmbeddingUsage,
}

/// The pooled hidden states of one input.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct PoolingData {
    /// Place of the input in the request, counted from 0.
    pub index: usize,
    /// Kind of the entry: always `pooling`.
    pub object: String,
    /// The numbers in the form that was asked for.
    pub data: Vector,
}

/// How many tokens the inputs of a request for vectors have; nothing is generated.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct EmbeddingUsage {
    /// Number of ids of all inputs, including `<s>`.
    pub prompt_tokens: u64,
    /// Number of generated ids, always 0.
    pub completion_tokens: u64,
    /// Number of ids of all inputs again, because nothing is generated.
    pub total_tokens: u64,
    /// How many of the tokens were cached; servers may leave it out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_tokens_details: Option<PromptTokensDetails>,
}

#[cfg(feature = "server")]
impl RequestFields for EmbeddingRequest {
    const SHARED: &'static [&'static [Row]] = &[];
    const OWN: &'static [Row] = &[
        ("model", Treatment::Used),
        ("input", Treatment::Used),
        ("encoding_format", Treatment::Used),
        ("dimensions", Treatment::Used),
        ("pooling", Treatment::Used),
        ("normalize", Treatment::Used),
        ("use_activation", Treatment::Used),
        ("task", Treatment::Used),
        ("add_special_tokens", Treatment::Used),
        ("messages", Treatment::Used),
        ("add_generation_prompt", Treatment::Used),
        ("continue_final_message", Treatment::Used),
        ("truncate_prompt_tokens", Treatment::Used),
        ("truncation_side", Treatment::Used),
        ("user", Treatment::Used),
        ("priority", Treatment::Used),
        ("cache_salt", Treatment::Used),
        ("timeout", Treatment::Used),
        // vLLM.
        ("embed_dtype", Treatment::Refused(&["\"float32\""])),
        ("endianness", Treatment::Refused(&["\"little\"", "\"native\""])),
        ("chat_template", Treatment::Refused(&[])),
        ("chat_template_kwargs", Treatment::Refused(&["{}"])),
        ("media_io_kwargs", Treatment::Refused(&["{}"])),
        ("mm_processor_kwargs", Treatment::Refused(&["{}"])),
        ("padding", Treatment::Refused(&["\"do_not_pad\""])),
        ("request_id", Treatment::Harmless("a name for the client's own records")),
        ("softmax", Treatment::Refused(&["false"])),
        ("activation", Treatment::Refused(&[])),
        // llama.cpp.
        ("content", Treatment::Refused(&[])),
        ("embd_normalize", Treatment::Refused(&[])),
    ];

    fn set_timeout(&mut self, seconds: f64) {
        self.timeout.get_or_insert(seconds);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_fields_are_the_defaults() {
        let body =
            r#"{"model": null, "input": "a", "encoding_format": "base64", "truncate_prompt_tokens": -1.0}"#;
        let request: EmbeddingRequest = serde_json::from_str(body).expect("a request");
        let mut expected = EmbeddingRequest::new("a").with_format(EmbeddingFormat::Base64);
        expected.truncate_prompt_tokens = Some(-1);
        assert_eq!(request, expected);
        let written = serde_json::to_string(&EmbeddingRequest::new("a")).expect("JSON");
        assert_eq!(written, r#"{"model":"","input":"a"}"#);
    }

    #[cfg(feature = "server")]
    #[test]
    fn every_field_that_is_used_has_a_row_and_no_other_has() {
        let full = EmbeddingRequest {
            model: String::new(),
            input: Some("a".into()),
            messages: Some(Vec::new()),
            add_generation_prompt: Some(false),
            continue_final_message: Some(false),
            encoding_format: Some(EmbeddingFormat::Float),
            dimensions: Some(1),
            pooling: Some(PoolingMethod::Last),
            normalize: Some(true),
            use_activation: Some(true),
            task: Some(PoolingTask::Embed),
            add_special_tokens: Some(true),
            truncate_prompt_tokens: Some(1),
            truncation_side: Some(TruncationSide::Right),
            user: Some(String::new()),
            priority: Some(0),
            cache_salt: Some("a".to_owned()),
            timeout: Some(1.0),
        };
        let written = serde_json::to_value(&full).expect("JSON");
        let mut fields: Vec<&str> =
            written.as_object().expect("an object").keys().map(String::as_str).collect();
        let rows = EmbeddingRequest::OWN.iter().filter(|(_, treatment)| *treatment == Treatment::Used);
        let mut used: Vec<&str> = rows.map(|(name, _)| *name).collect();
        fields.sort_unstable();
        used.sort_unstable();
        assert_eq!(fields, used);
        assert_eq!(serde_json::from_value::<EmbeddingRequest>(written).expect("a request"), full);
    }

    #[test]
    fn answers_of_other_servers_are_read() {
        let body = r#"{"object": "list", "model": "m", "data": [{"index": 1, "embedding": [0.5, 1], "object": "embedding"}],
            "usage": {"prompt_tokens": 3, "total_tokens": 3, "completion_tokens": 0, "prompt_tokens_details": null}}"#;
        let answer: EmbeddingResponse = serde_json::from_str(body).expect("an answer");
        assert_eq!(answer.data[0].embedding.values(), Some(vec![0.5, 1.0]));
        assert_eq!((answer.data[0].index, answer.usage.total_tokens), (1, 3));
    }
}
