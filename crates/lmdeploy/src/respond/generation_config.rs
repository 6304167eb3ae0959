//! [`GenerationConfig`]: the file in which a model folder keeps its own sampling defaults, `generation_config.json`.
//!
//! It is written by transformers, which has many more settings. Those that would change answers and are not applied here
//! are told by name: a model that was tuned with them answers differently.
//! <https://github.com/huggingface/transformers/blob/main/src/transformers/generation/configuration_utils.py>

use internlm_model::TokenId;
use internlm_model::sampling::SamplingConfig;
use serde::Deserialize;
use serde_json::{Map, Value};

/// The keys that are applied.
const APPLIED: [&str; 7] =
    ["do_sample", "temperature", "top_k", "top_p", "min_p", "repetition_penalty", "eos_token_id"];
/// Keys without a meaning for the text of an answer: other ids, notes, limits that requests bring themselves, how
/// transformers computes and what its functions return.
const HARMLESS: [&str; 41] = [
    "_commit_hash",
    "_from_model_config",
    "assistant_confidence_threshold",
    "assistant_early_exit",
    "assistant_lookbehind",
    "assistant_token_id",
    "bos_token_id",
    "cache_config",
    "cache_implementation",
    "chat_format",
    "compile_config",
    "decoder_start_token_id",
    "disable_compile",
    "diversity_penalty",
    "early_stopping",
    "is_assistant",
    "length_penalty",
    "low_memory",
    "max_length",
    "max_matching_ngram_size",
    "max_new_tokens",
    "max_time",
    "max_window_size",
    "num_assistant_tokens",
    "num_assistant_tokens_schedule",
    "num_beam_groups",
    "num_return_sequences",
    "output_attentions",
    "output_hidden_states",
    "output_logits",
    "output_scores",
    "pad_token_id",
    "prefill_chunk_size",
    "prompt_lookup_num_tokens",
    "remove_invalid_values",
    "renormalize_logits",
    "return_dict_in_generate",
    "target_lookbehind",
    "transformers_version",
    "use_cache",
    "user_token_id",
];
/// Factors and counts that change nothing at 1; all other numbers change nothing at 0.
const ONE: [&str; 4] = ["encoder_repetition_penalty", "guidance_scale", "num_beams", "typical_p"];

/// The settings that change sampling or the end of answers.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct GenerationConfig {
    do_sample: Option<bool>,
    temperature: Option<f32>,
    top_k: Option<usize>,
    top_p: Option<f32>,
    min_p: Option<f32>,
    repetition_penalty: Option<f32>,
    eos_token_id: Option<OneOrManyIds>,
    /// What is set and not applied, though it would change answers.
    #[serde(skip)]
    passed_over: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrManyIds {
    One(u32),
    Many(Vec<u32>),
}

impl GenerationConfig {
    /// Reads the text of the file.
    ///
    /// # Errors
    /// The text is not JSON, or a setting that is applied has another type.
    pub(super) fn read(text: &str) -> serde_json::Result<Self> {
        let all: Map<String, Value> = serde_json::from_str(text)?;
        let read: Self = serde_json::from_str(text)?;
        let is_passed_over = |(key, value): &(&String, &Value)| {
            let known = APPLIED.contains(&key.as_str()) || HARMLESS.contains(&key.as_str());
            !known && !changes_nothing(key, value)
        };
        let passed_over = all.iter().filter(is_passed_over).map(|(key, _)| key.clone()).collect();
        Ok(Self { passed_over, ..read })
    }

    /// `sampling` with what the file sets. A model that does not want to be sampled from decodes greedily.
    pub(super) fn apply(&self, sampling: &SamplingConfig) -> SamplingConfig {
        let temperature = match self.do_sample {
            Some(false) => 0.0,
            _ => self.temperature.unwrap_or(sampling.temperature),
        };
        let mut applied = sampling
            .clone()
            .with_temperature(temperature)
            .with_top_p(self.top_p.unwrap_or(sampling.top_p))
            .with_min_p(self.min_p.unwrap_or(sampling.min_p))
            .with_repetition_penalty(self.repetition_penalty.unwrap_or(sampling.repetition_penalty));
        applied.top_k = self.top_k.map_or(sampling.top_k, |k| (k > 0).then_some(k));
        applied
    }

    /// Further ids that end every answer.
    pub(super) fn stop_ids(&self) -> impl Iterator<Item = TokenId> {
        let ids: &[u32] = match &self.eos_token_id {
            None => &[],
            Some(OneOrManyIds::One(id)) => std::slice::from_ref(id),
            Some(OneOrManyIds::Many(ids)) => ids.as_slice(),
        };
        ids.iter().copied().map(TokenId)
    }

    /// The names of the settings that would change answers and are not applied.
    pub(super) fn passed_over(&self) -> &[String] {
        &self.passed_over
    }
}

/// Whether a setting is off.
fn changes_nothing(key: &str, value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) => false,
        Value::Number(number) => number.as_f64() == Some(if ONE.contains(&key) { 1.0 } else { 0.0 }),
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(fields) => fields.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_applied_and_the_rest_stays() {
        let before = SamplingConfig::greedy().with_temperature(0.8).with_top_k(50);
        let text = r#"{"do_sample": true, "min_p": 0.1, "top_p": 0.9, "top_k": 0, "eos_token_id": 7}"#;
        let config = GenerationConfig::read(text).expect("a config");
        let after = config.apply(&before);
        assert_eq!((after.temperature, after.top_k, after.top_p, after.min_p), (0.8, None, 0.9, 0.1));
        assert_eq!(config.stop_ids().collect::<Vec<_>>(), [TokenId(7)]);
        let greedy = GenerationConfig::read(r#"{"do_sample": false, "temperature": 0.7}"#).expect("a config");
        assert!(greedy.apply(&before).is_greedy());
        let nothing = GenerationConfig::read("{}").expect("a config");
        assert_eq!((nothing.apply(&before), nothing.stop_ids().count()), (before, 0));
    }

    #[test]
    fn settings_that_would_change_answers_are_told() {
        let text = r#"{"typical_p": 0.9, "no_repeat_ngram_size": 3, "bad_words_ids": [[5]], "new_setting": "on",
            "num_beams": 1, "guidance_scale": null, "penalty_alpha": 0.0, "suppress_tokens": [], "watermarking": {},
            "max_new_tokens": 2048, "pad_token_id": 0, "transformers_version": "4.51.0", "top_k": 20}"#;
        let config = GenerationConfig::read(text).expect("a config");
        let mut names = config.passed_over().to_vec();
        names.sort_unstable();
        assert_eq!(names, ["bad_words_ids", "new_setting", "no_repeat_ngram_size", "typical_p"]);
    }

    #[test]
    fn wrong_types_are_errors() {
        for text in ["{", "[]", r#"{"min_p": "low"}"#, r#"{"do_sample": 1}"#, r#"{"eos_token_id": "</s>"}"#] {
            assert!(GenerationConfig::read(text).is_err(), "{text}");
        }
    }
}
