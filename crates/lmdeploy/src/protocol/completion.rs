//! `POST /v1/completions`: the request.

use std::collections::BTreeMap;

use internlm_kit::by_name;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::builder::shared_builders;
use super::field::text_or_null;
use super::number::{number, numbers};
use super::whole::{optional_wholes, top_k, whole};
use super::{
    OneOrMany, Prompt, RepetitionDetection, ResponseFormat, StreamOptions, StructuredOutputs, TruncationSide,
};

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
    /// Maximum number of ids to generate; llama.cpp calls it `n_predict`. Default 16; with `echo` or
    /// `prompt_logprobs`, 0 only scores the prompt.
    #[serde(
        default,
        alias = "n_predict",
        deserialize_with = "whole",
        skip_serializing_if = "Option::is_none"
    )]
    pub max_tokens: Option<u32>,
    /// Another name of `max_tokens`, which wins when both are given.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub max_completion_tokens: Option<u32>,
    /// Begin the prompt as the tokenizer begins a text, with `<s>` where it does that. Default true; ids are taken as they
    /// are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub add_special_tokens: Option<bool>,
    /// Cut a longer prompt to this many tokens; -1 cuts it so that an answer of one token fits into the context. Default:
    /// a prompt that does not fit is refused.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub truncate_prompt_tokens: Option<i32>,
    /// Which end of the prompt is cut off. Default: its beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truncation_side: Option<TruncationSide>,
    /// Put the prompt before the text, and its log-probabilities before those of the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub echo: Option<bool>,
    /// Return log-probabilities of the ids, with this many of the most likely ids at each place, 0 to 20.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<u32>,
    /// Return the log-probabilities of these ids and of the generated one at each place, instead of those of the most
    /// likely ids; needs `logprobs`.
    #[serde(default, deserialize_with = "optional_wholes", skip_serializing_if = "Option::is_none")]
    pub logprob_token_ids: Option<Vec<u32>>,
    /// Sampling temperature in [0, 2]; 0 decodes greedily.
    #[serde(default, deserialize_with = "number", skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f32>,
    /// Nucleus sampling: sample among the most likely ids whose probabilities add up to this number, in (0, 1].
    #[serde(default, deserialize_with = "number", skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f32>,
    /// Keep the k most likely ids; 0 and -1 keep all.
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
    /// Words that are never generated, neither at the beginning of the text nor behind a space.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bad_words: Option<Vec<String>>,
    /// The only ids that may be generated, those that end the text included. Default: all of the model's.
    #[serde(default, deserialize_with = "optional_wholes", skip_serializing_if = "Option::is_none")]
    pub allowed_token_ids: Option<Vec<u32>>,
    /// Length of the runs of ids whose repetition ends the text; needs `repetition_ngram_threshold`. 0 turns it off.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub repetition_ngram_size: Option<u32>,
    /// How often the last run of ids must have been generated to end the text. 0 turns it off.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub repetition_ngram_threshold: Option<u32>,
    /// How repetitions at the end of the text end it, in vLLM's form. Default: they do not.
    #[serde(default, deserialize_with = "by_name::optional", skip_serializing_if = "Option::is_none")]
    pub repetition_detection: Option<RepetitionDetection>,
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
    /// Generate past the model's end-of-sequence ids.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignore_eos: Option<bool>,
    /// Minimum number of ids to generate before anything but a limit ends the text; vLLM calls it `min_tokens`.
    #[serde(
        default,
        alias = "min_tokens",
        deserialize_with = "whole",
        skip_serializing_if = "Option::is_none"
    )]
    pub min_new_tokens: Option<u32>,
    /// Number of choices per prompt, 1 to 128. Default 1.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub n: Option<u32>,
    /// Number of choices of which the best are answered; only the value of `n`, so that all are.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub best_of: Option<u32>,
    /// What the text must look like: JSON, a schema, a regular expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_format: Option<ResponseFormat>,
    /// A grammar in Lark's notation or in GBNF that the text must follow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grammar: Option<String>,
    /// A JSON schema that the text must follow: llama.cpp's short form of `response_format`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json_schema: Option<Value>,
    /// vLLM's forms of `response_format`.
    #[serde(default, deserialize_with = "by_name::optional", skip_serializing_if = "Option::is_none")]
    pub structured_outputs: Option<StructuredOutputs>,
    /// vLLM's older name of `structured_outputs.json`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guided_json: Option<Value>,
    /// vLLM's older name of `structured_outputs.regex`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guided_regex: Option<String>,
    /// vLLM's older name of `structured_outputs.choice`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guided_choice: Option<Vec<String>>,
    /// vLLM's older name of `structured_outputs.grammar`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guided_grammar: Option<String>,
    /// vLLM's older name of `structured_outputs.structural_tag`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub structural_tag: Option<Value>,
    /// Send the answer in pieces as it is generated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<bool>,
    /// What a streamed answer contains in addition.
    #[serde(default, deserialize_with = "by_name::optional", skip_serializing_if = "Option::is_none")]
    pub stream_options: Option<StreamOptions>,
    /// Return how long prompt and answer took as `timings`, as llama.cpp does; in a stream at the end of each choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timings_per_token: Option<bool>,
    /// Leave special tokens out of the text. Default true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip_special_tokens: Option<bool>,
    /// Has no effect: like the fast tokenizers of transformers, this server never puts spaces between special tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spaces_between_special_tokens: Option<bool>,
    /// Return the generated ids as `output_ids` and `token_ids` of each choice, and those of the prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_token_ids: Option<bool>,
    /// Write `token_id:` and the number of an id in place of its text where log-probabilities name it. Default false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_tokens_as_token_ids: Option<bool>,
    /// Return the log-probability of each of the prompt's ids, with this many of the most likely ids at its place, 0 to
    /// 20. Not in a stream.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub prompt_logprobs: Option<u32>,
    /// Return the generated ids with their log-probabilities as `output_token_logprobs` of each choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_logprob: Option<bool>,
    /// Text after the insertion; refused, because no supported model has fill-in-the-middle tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suffix: Option<String>,
    /// Maximum time in seconds, including the time in the queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<f64>,
    /// Requests with smaller numbers run first. Default 0.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
    /// Requests share cached prompts only with requests of the same salt: a server's tenants cannot measure what others
    /// have asked. Default: shared with all that have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_salt: Option<String>,
    /// A name of the end user for the client's own records; this server passes over it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// A name of the conversation; `POST /abort_request` ends the requests of it. -1, upstream's default, means no name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<Value>,
    /// Notes for the client's own records; this server passes over them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Map<String, Value>>,
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
