//! The fields that chat and completion requests share: checked once, then an engine request.

use std::fmt::{Display, LowerExp};
use std::time::Duration;

use internlm_model::TokenId;
use internlm_model::sampling::SamplingConfig;
use internlm_model::tokenizer::Special;

use super::ServedModel;
use crate::engine::GenerateRequest;
use crate::protocol::{ChatRequest, CompletionRequest, OneOrMany};
use crate::{Error, Result};

/// Maximum number of alternatives per place, as OpenAI limits it.
const MAX_LOGPROBS: u32 = 20;
/// Length from which a number is written with an exponent.
const MAX_DIGITS: usize = 24;
/// Smaller temperatures decode greedily, as in vLLM: logits that are divided by them may not be numbers any more.
const MIN_TEMPERATURE: f32 = 1e-5;
/// Maximum number of stop strings in one request.
const MAX_STOPS: usize = 64;

/// The fields that both kinds of requests have, as the client sent them.
pub(super) struct Fields<'a> {
    temperature: Option<f32>,
    top_p: Option<f32>,
    top_k: Option<u32>,
    min_p: Option<f32>,
    repetition_penalty: Option<f32>,
    seed: Option<i64>,
    stop: Option<&'a OneOrMany>,
    stop_token_ids: Option<&'a [u32]>,
    ignore_eos: Option<bool>,
    n: Option<u32>,
    skip_special_tokens: Option<bool>,
    timeout: Option<f64>,
    priority: Option<i32>,
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
            seed: $request.seed,
            stop: $request.stop.as_ref(),
            stop_token_ids: $request.stop_token_ids.as_deref(),
            ignore_eos: $request.ignore_eos,
            n: $request.n,
            skip_special_tokens: $request.skip_special_tokens,
            timeout: $request.timeout,
            priority: $request.priority,
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
    /// Checks the fields; gives an engine request that still needs its prompt and lengths.
    pub(super) fn check(&self, model: &ServedModel, fresh_seed: u64) -> Result<GenerateRequest> {
        if self.n.is_some_and(|n| n != 1) {
            return Err(expected("n", self.n, "1: several choices per prompt are not supported"));
        }
        let stop = self.stop.map(OneOrMany::as_slice).unwrap_or_default().to_vec();
        let found = match stop.len() {
            more if more > MAX_STOPS => Some(format!("{more} strings")),
            _ => stop.iter().any(String::is_empty).then(|| "an empty string".to_owned()),
        };
        if found.is_some() {
            return Err(expected("stop", found, &format!("at most {MAX_STOPS} strings, none empty")));
        }
        let timeout = match self.timeout {
            None => None,
            Some(seconds) => Some(
                Duration::try_from_secs_f64(seconds).ok().filter(|timeout| !timeout.is_zero()).ok_or_else(
                    || expected("timeout", Some(short(seconds)), "a number of seconds above 0"),
                )?,
            ),
        };
        let mut stop_ids = match self.ignore_eos {
            Some(true) => Vec::new(),
            _ => model.stop_ids.clone(),
        };
        stop_ids.extend(self.stop_token_ids.unwrap_or_default().iter().copied().map(TokenId));
        Ok(GenerateRequest {
            sampling: self.sampling(&model.sampling, fresh_seed)?,
            stop_ids,
            stop,
            special: if self.skip_special_tokens == Some(false) { Special::Keep } else { Special::Skip },
            priority: self.priority.unwrap_or(0),
            timeout,
            ..GenerateRequest::new(Vec::new())
        })
    }

    fn sampling(&self, defaults: &SamplingConfig, fresh_seed: u64) -> Result<SamplingConfig> {
        let check = |name: &str, value: Option<f32>, fits: fn(f32) -> bool, range: &str| match value {
            Some(value) if !fits(value) => Err(expected(name, Some(short(value)), range)),
            _ => Ok(()),
        };
        check("temperature", self.temperature, |t| (0.0..=2.0).contains(&t), "a number in [0, 2]")?;
        check("top_p", self.top_p, |p| p > 0.0 && p <= 1.0, "a number in (0, 1]")?;
        check("min_p", self.min_p, |p| (0.0..=1.0).contains(&p), "a number in [0, 1]")?;
        let positive = |penalty: f32| penalty > 0.0 && penalty.is_finite();
        check("repetition_penalty", self.repetition_penalty, positive, "a number above 0")?;
        let temperature = self.temperature.unwrap_or(defaults.temperature);
        let mut sampling = SamplingConfig::greedy()
            .with_temperature(if temperature < MIN_TEMPERATURE { 0.0 } else { temperature })
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

/// A number as it was sent, but without a long row of zeros.
fn short(number: impl Display + LowerExp) -> String {
    let text = number.to_string();
    if text.len() > MAX_DIGITS { format!("{number:e}") } else { text }
}

/// A field that is out of its range.
pub(super) fn expected(name: &str, found: Option<impl Display>, range: &str) -> Error {
    let found = found.map_or_else(|| "nothing".to_owned(), |found| found.to_string());
    Error::field(name, format!("found {found}, expected {range}"))
}

#[cfg(test)]
mod tests {
    use internlm_model::tokenizer::{BpeTrainConfig, train_bpe};

    use super::*;

    fn check(request: &ChatRequest) -> Result<GenerateRequest> {
        let config = BpeTrainConfig::new(280).with_min_frequency(1);
        let tokenizer = train_bpe(["the user".to_owned()].into_iter(), &config).expect("room for all bytes");
        let model = ServedModel::new("tiny", tokenizer, None, &[]);
        Fields::from(request).check(&model, 0)
    }

    #[test]
    fn a_temperature_too_small_to_divide_by_is_greedy() {
        for (temperature, expected) in [(0.0, 0.0), (f32::MIN_POSITIVE, 0.0), (1e-5, 1e-5), (0.7, 0.7)] {
            let request = ChatRequest::new([]).with_temperature(temperature);
            assert_eq!(check(&request).expect("fits").sampling.temperature, expected);
        }
    }

    #[test]
    fn numbers_are_shown_in_a_few_digits() {
        let error = |request: ChatRequest| check(&request).expect_err("out of range").to_string();
        let timeout = ChatRequest { timeout: Some(1e300), ..ChatRequest::new([]) };
        assert_eq!(error(timeout), "timeout: found 1e300, expected a number of seconds above 0");
        let hot = ChatRequest::new([]).with_temperature(2.5);
        assert_eq!(error(hot), "temperature: found 2.5, expected a number in [0, 2]");
    }
}
