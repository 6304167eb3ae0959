//! `POST /generate`: a prompt as text or ids -> text, ids and log-probabilities, without the frame of a chat.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::number::number;
#[cfg(feature = "server")]
use super::request_fields::{ELSEWHERE, FOREIGN, RequestFields, Row, Treatment};
use super::whole::{optional_wholes, top_k, whole};
use super::{FinishReason, OneOrMany};

/// Body of a request to `/generate`: exactly one of `prompt` and `input_ids`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct GenerateBody {
    /// A text to continue. Marks such as `<|im_start|>` are read as marks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// Ids to continue, taken as they are.
    #[serde(default, deserialize_with = "optional_wholes", skip_serializing_if = "Option::is_none")]
    pub input_ids: Option<Vec<u32>>,
    /// Maximum number of ids to generate. Default 128.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    /// Minimum number of ids to generate; vLLM calls it `min_tokens`.
    #[serde(
        default,
        alias = "min_tokens",
        deserialize_with = "whole",
        skip_serializing_if = "Option::is_none"
    )]
    pub min_new_tokens: Option<u32>,
    /// Strings that end the text and are not part of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<OneOrMany>,
    /// Ids that end the text, in addition to the model's own.
    #[serde(default, deserialize_with = "optional_wholes", skip_serializing_if = "Option::is_none")]
    pub stop_token_ids: Option<Vec<u32>>,
    /// Make the stop string that ended the text a part of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include_stop_str_in_output: Option<bool>,
    /// Generate past the model's end-of-sequence ids.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignore_eos: Option<bool>,
    /// Send the answer in pieces as it is generated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<bool>,
    /// Sampling temperature in [0, 2]; 0 decodes greedily.
    #[serde(default, deserialize_with = "number", skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f32>,
    /// Sample among the most likely ids whose probabilities add up to this number, in (0, 1].
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
    /// Length of a run of ids that must not occur `repetition_ngram_threshold` times; 0 turns it off.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub repetition_ngram_size: Option<u32>,
    /// How often a run of ids may occur before the text ends.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub repetition_ngram_threshold: Option<u32>,
    /// The same seed and prompt give the same text. Default: from the server's base seed.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub seed: Option<i64>,
    /// Leave special tokens out of the text. Default true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip_special_tokens: Option<bool>,
    /// Return the log-probability of each id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_logprob: Option<bool>,
    /// Number of the most likely ids at each place, 0 to 20; only with `return_logprob`.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub top_logprobs_num: Option<u32>,
    /// Place in the prompt behind which its ids are scored too; -1, the default, scores none.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub logprob_start_len: Option<i32>,
    /// Requests with smaller numbers run first. Default 0.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
    /// Maximum number of seconds in the queue and running together. Default: the server's limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<f64>,
    /// A name of the conversation, by which `POST /abort_request` ends its requests; -1 means no name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<Value>,
}

/// The answer of `/generate`; a stream sends it piece by piece, each with its own new text and ids.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct GenerateResponse {
    /// The generated text, without the prompt.
    pub text: String,
    /// The generated ids, without one that ended the text.
    pub output_ids: Vec<u32>,
    /// Counts, the reason of the end, log-probabilities.
    pub meta_info: GenerateMeta,
}

/// What is known about an answer in addition to its text.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct GenerateMeta {
    /// Number of ids in the prompt.
    #[serde(default)]
    pub prompt_tokens: usize,
    /// Number of generated ids so far; one that ended the text counts only when it is part of it.
    #[serde(default)]
    pub completion_tokens: usize,
    /// How many of the prompt's ids came from the prefix cache.
    #[serde(default)]
    pub cached_tokens: usize,
    /// Why the text ended; null while more follows.
    #[serde(default)]
    pub finish_reason: Option<FinishInfo>,
    /// Log-probability and id of each generated id, when asked for; null when nothing was generated.
    #[serde(default)]
    pub output_token_logprobs: Option<Vec<(f32, u32)>>,
    /// The most likely ids at the place of each generated id, when asked for; null when nothing was generated.
    #[serde(default)]
    pub output_top_logprobs: Option<Vec<RankedLogprobs>>,
    /// Log-probability and id of the prompt's ids, when asked for; the first id of all has none.
    #[serde(default)]
    pub input_token_logprobs: Option<Vec<(Option<f32>, u32)>>,
    /// The most likely ids at the places of the prompt, when asked for.
    #[serde(default)]
    pub input_top_logprobs: Option<Vec<Option<RankedLogprobs>>>,
}

/// Log-probabilities and ids of the most likely ids at one place, best first.
pub type RankedLogprobs = Vec<(f32, u32)>;

/// Why the text of an answer ended.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct FinishInfo {
    /// The reason, as other routes give it.
    #[serde(rename = "type")]
    pub kind: FinishReason,
}

impl FinishInfo {
    /// The reason in the form of this route.
    #[must_use]
    pub fn new(kind: FinishReason) -> Self {
        Self { kind }
    }
}

#[cfg(feature = "server")]
impl RequestFields for GenerateBody {
    const SHARED: &'static [&'static [Row]] = &[FOREIGN, ELSEWHERE];
    const OWN: &'static [Row] = &[
        ("prompt", Treatment::Used),
        ("input_ids", Treatment::Used),
        ("max_tokens", Treatment::Used),
        ("min_new_tokens", Treatment::Used),
        ("stop", Treatment::Used),
        ("stop_token_ids", Treatment::Used),
        ("include_stop_str_in_output", Treatment::Used),
        ("ignore_eos", Treatment::Used),
        ("stream", Treatment::Used),
        ("temperature", Treatment::Used),
        ("top_p", Treatment::Used),
        ("top_k", Treatment::Used),
        ("min_p", Treatment::Used),
        ("repetition_penalty", Treatment::Used),
        ("repetition_ngram_size", Treatment::Used),
        ("repetition_ngram_threshold", Treatment::Used),
        ("seed", Treatment::Used),
        ("skip_special_tokens", Treatment::Used),
        ("return_logprob", Treatment::Used),
        ("top_logprobs_num", Treatment::Used),
        ("logprob_start_len", Treatment::Used),
        ("priority", Treatment::Used),
        ("timeout", Treatment::Used),
        ("session_id", Treatment::Used),
        ("min_tokens", Treatment::Harmless("another name of `min_new_tokens`, by which it is used")),
        (
            "spaces_between_special_tokens",
            Treatment::Harmless("there are never spaces between special tokens"),
        ),
        // Of the other routes.
        ("add_special_tokens", Treatment::Refused(&["true"])),
        ("return_token_ids", Treatment::Harmless("the ids are always part of the answer")),
        ("structured_outputs", Treatment::Refused(&[])),
        ("top_logprobs", Treatment::Refused(&["0"])),
        ("messages", Treatment::Refused(&["[]"])),
        ("presence_penalty", Treatment::Refused(&["0"])),
        ("frequency_penalty", Treatment::Refused(&["0"])),
        ("logit_bias", Treatment::Refused(&["{}"])),
        ("bad_words", Treatment::Refused(&["[]"])),
        // SGLang's form of this route.
        ("text", Treatment::Refused(&[])),
        ("sampling_params", Treatment::Refused(&["{}"])),
    ];

    fn set_timeout(&mut self, seconds: f64) {
        self.timeout.get_or_insert(seconds);
    }
}

#[cfg(all(test, feature = "server"))]
mod tests {
    use super::*;

    #[test]
    fn the_fields_of_the_body_are_the_used_rows_of_its_table() {
        let body = serde_json::json!({
            "prompt": "a", "input_ids": [1], "max_tokens": 1, "min_new_tokens": 1, "stop": "b",
            "stop_token_ids": [2], "include_stop_str_in_output": true, "ignore_eos": true, "stream": true,
            "temperature": 0.5, "top_p": 0.5, "top_k": 1, "min_p": 0.5, "repetition_penalty": 1.5,
            "repetition_ngram_size": 2, "repetition_ngram_threshold": 3, "seed": -1,
            "skip_special_tokens": false, "return_logprob": true, "top_logprobs_num": 2,
            "logprob_start_len": -1, "priority": -3, "timeout": 2.5, "session_id": 7,
        });
        let read: GenerateBody = serde_json::from_value(body.clone()).expect("a body");
        assert_eq!(serde_json::to_value(&read).expect("writes"), body, "no field is lost");
        let rows = GenerateBody::OWN.iter().filter(|(_, treatment)| *treatment == Treatment::Used);
        let used: Vec<&str> = rows.map(|(name, _)| *name).collect();
        let fields: Vec<&str> = body.as_object().expect("an object").keys().map(String::as_str).collect();
        assert_eq!(fields, used);
        let mut limited = GenerateBody::default();
        limited.set_timeout(3.0);
        limited.set_timeout(9.0);
        assert_eq!(limited.timeout, Some(3.0), "the first limit stays");
    }
}
