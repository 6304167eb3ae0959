//! The fields that chat and completion requests share: checked once, then an engine request.

use std::time::Duration;

use internlm_model::TokenId;
use internlm_model::sampling::SamplingConfig;
use internlm_model::tokenizer::Special;

use super::ServedModel;
use super::bounds::{check, expected, short};
use super::rules::{RuleFields, salt};
use crate::Result;
use crate::engine::GenerateRequest;
use crate::protocol::{ChatRequest, CompletionRequest, OneOrMany};

/// Maximum number of alternatives per place, as OpenAI limits it.
const MAX_LOGPROBS: u32 = 20;
/// Maximum number of stop strings in one request.
const MAX_STOPS: usize = 64;
/// Maximum number of choices per prompt, as OpenAI limits it.
const MAX_CHOICES: u32 = 128;

/// The fields that both kinds of requests have, as the client sent them.
pub(super) struct Fields<'a> {
    temperature: Option<f32>,
    top_p: Option<f32>,
    top_k: Option<u32>,
    min_p: Option<f32>,
    repetition_penalty: Option<f32>,
    rules: RuleFields<'a>,
    seed: Option<i64>,
    n: Option<u32>,
    best_of: Option<u32>,
    max_tokens: Option<u32>,
    max_completion_tokens: Option<u32>,
    min_new_tokens: Option<u32>,
    stop: Option<&'a OneOrMany>,
    stop_token_ids: Option<&'a [u32]>,
    include_stop: Option<bool>,
    ignore_eos: Option<bool>,
    skip_special_tokens: Option<bool>,
    timeout: Option<f64>,
    priority: Option<i32>,
    cache_salt: Option<&'a str>,
}

/// Copies the fields that both kinds of requests have under the same name.
macro_rules! shared_fields {
    ($request:expr) => {
        Fields {
            temperature: $request.temperature,
            top_p: $request.top_p,
            top_k: $request.top_k,
            min_p: $request.min_p,
            repetition_penalty: $request.repetition_penalty,
            rules: RuleFields {
                presence_penalty: $request.presence_penalty,
                frequency_penalty: $request.frequency_penalty,
                logit_bias: $request.logit_bias.as_ref(),
                bad_words: $request.bad_words.as_deref(),
                allowed: $request.allowed_token_ids.as_deref(),
                ngram_size: $request.repetition_ngram_size,
                ngram_threshold: $request.repetition_ngram_threshold,
                detection: $request.repetition_detection,
            },
            seed: $request.seed,
            n: $request.n,
            best_of: $request.best_of,
            max_tokens: $request.max_tokens,
            max_completion_tokens: $request.max_completion_tokens,
            min_new_tokens: $request.min_new_tokens,
            stop: $request.stop.as_ref(),
            stop_token_ids: $request.stop_token_ids.as_deref(),
            include_stop: $request.include_stop_str_in_output,
            ignore_eos: $request.ignore_eos,
            skip_special_tokens: $request.skip_special_tokens,
            timeout: $request.timeout,
            priority: $request.priority,
            cache_salt: $request.cache_salt.as_deref(),
        }
    };
}

impl<'a> From<&'a ChatRequest> for Fields<'a> {
    fn from(request: &'a ChatRequest) -> Self {
        shared_fields!(request)
    }
}

impl<'a> From<&'a CompletionRequest> for Fields<'a> {
    fn from(request: &'a CompletionRequest) -> Self {
        shared_fields!(request)
    }
}

impl Fields<'_> {
    /// Checks the fields; gives an engine request that still needs its prompt and the number of ids to generate.
    pub(super) fn check(&self, model: &ServedModel, fresh_seed: u64) -> Result<GenerateRequest> {
        let mut stop_ids = match self.ignore_eos {
            Some(true) => Vec::new(),
            _ => model.stop_ids.clone(),
        };
        stop_ids.extend(self.stop_token_ids.unwrap_or_default().iter().copied().map(TokenId));
        Ok(GenerateRequest {
            sampling: self.sampling(&model.sampling, fresh_seed)?,
            rules: self.rules.check(&model.tokenizer)?,
            min_new: self.min_new()?,
            stop_ids,
            stop: self.stops()?,
            include_stop: self.include_stop.unwrap_or(false),
            special: if self.skip_special_tokens == Some(false) { Special::Keep } else { Special::Skip },
            priority: self.priority.unwrap_or(0),
            timeout: self.time_limit()?,
            cache_salt: salt(self.cache_salt)?,
            ..GenerateRequest::new(Vec::new())
        })
    }

    /// Number of choices per prompt, of which all are answered.
    pub(super) fn choices(&self) -> Result<usize> {
        let n = self.n.unwrap_or(1);
        if !(1..=MAX_CHOICES).contains(&n) {
            return Err(expected("n", self.n, &format!("a whole number from 1 to {MAX_CHOICES}")));
        }
        match self.best_of {
            Some(best_of) if best_of != n => Err(expected(
                "best_of",
                self.best_of,
                &format!("{n}, which is `n`: all choices are answered"),
            )),
            _ => Ok(n as usize),
        }
    }

    /// The field that says how many ids to generate at most, and its value; none: the request does not say.
    pub(super) fn max_new(&self) -> (&'static str, Option<u32>) {
        match self.max_completion_tokens {
            None => ("max_tokens", self.max_tokens),
            newer => ("max_completion_tokens", newer),
        }
    }

    fn min_new(&self) -> Result<usize> {
        let min = self.min_new_tokens.unwrap_or(0);
        match self.max_new() {
            (name, Some(max)) if min > max => {
                let range = format!("at most the {max} of `{name}`");
                Err(expected("min_new_tokens", self.min_new_tokens, &range))
            }
            _ => Ok(min as usize),
        }
    }

    fn stops(&self) -> Result<Vec<String>> {
        let stops = self.stop.map(OneOrMany::as_slice).unwrap_or_default();
        let found = match stops.len() {
            more if more > MAX_STOPS => format!("{more} strings"),
            _ if stops.iter().any(String::is_empty) => "an empty string".to_owned(),
            _ => return Ok(stops.to_vec()),
        };
        Err(expected("stop", Some(found), &format!("at most {MAX_STOPS} strings, none empty")))
    }

    fn time_limit(&self) -> Result<Option<Duration>> {
        let Some(seconds) = self.timeout else { return Ok(None) };
        let limit = Duration::try_from_secs_f64(seconds).ok().filter(|limit| !limit.is_zero());
        let wrong = || expected("timeout", Some(short(seconds)), "a number of seconds above 0");
        limit.ok_or_else(wrong).map(Some)
    }

    fn sampling(&self, defaults: &SamplingConfig, fresh_seed: u64) -> Result<SamplingConfig> {
        check("temperature", self.temperature, |t| (0.0..=2.0).contains(&t), "a number in [0, 2]")?;
        check("top_p", self.top_p, |p| p > 0.0 && p <= 1.0, "a number in (0, 1]")?;
        check("min_p", self.min_p, |p| (0.0..=1.0).contains(&p), "a number in [0, 1]")?;
        let positive = |penalty: f32| penalty > 0.0 && penalty.is_finite();
        check("repetition_penalty", self.repetition_penalty, positive, "a number above 0")?;
        let mut sampling = SamplingConfig::greedy()
            .with_temperature(self.temperature.unwrap_or(defaults.temperature))
            .with_top_p(self.top_p.unwrap_or(defaults.top_p))
            .with_min_p(self.min_p.unwrap_or(defaults.min_p))
            .with_repetition_penalty(self.repetition_penalty.unwrap_or(defaults.repetition_penalty))
            // Negative seeds are allowed: only their bits count.
            .with_seed(self.seed.map_or(fresh_seed, i64::cast_unsigned));
        sampling.top_k = self.top_k.map_or(defaults.top_k, |k| (k > 0).then_some(k as usize));
        Ok(sampling)
    }
}

/// The number of alternatives that field `name` asks for.
pub(super) fn alternatives(name: &str, asked: Option<u32>) -> Result<usize> {
    match asked {
        Some(count) if count > MAX_LOGPROBS => Err(expected(name, asked, &format!("at most {MAX_LOGPROBS}"))),
        count => Ok(count.unwrap_or(0) as usize),
    }
}

#[cfg(test)]
mod tests;
