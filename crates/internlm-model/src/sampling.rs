//! From logits to one token id: repetition penalty, temperature, top-k, top-p, min-p, in this order.
//!
//! Pure and counter-based: the draw is a function of (seed, position), so the same seed gives the same
//! text on any number of threads. The order of the filters follows transformers' `LogitsProcessorList`
//! as `generate()` builds it. Rows are read in blocks, most of which hold no candidate: neither the best of them nor the
//! largest entry needs the vocabulary sorted or copied.

use internlm_kit::rng::CounterRng;
use serde::{Deserialize, Serialize};

use crate::TokenId;

/// Smaller temperatures decode greedily, as in vLLM: what is left of logits divided by them is not a distribution.
const MIN_TEMPERATURE: f32 = 1e-5;
/// Number of entries of a row that are compared at once.
const BLOCK: usize = 64;
/// Minimum number of candidates that are collected before the weaker ones are dropped.
const ROOM: usize = 256;

/// How the next token is chosen. The default is greedy.
///
/// ```
/// use internlm_model::sampling::{SamplingConfig, sample};
/// use internlm_model::TokenId;
///
/// let config = SamplingConfig::greedy().with_repetition_penalty(3.0);
/// assert_eq!(sample(&[1.0, 2.0, 1.5], &[], &config, 0), TokenId(1));
/// assert_eq!(sample(&[1.0, 2.0, 1.5], &[TokenId(1)], &config, 0), TokenId(2));
/// ```
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[non_exhaustive]
pub struct SamplingConfig {
    /// Logits are divided by it; 0, and what is below 1e-5, means greedy (the largest logit, the smaller id on ties).
    pub temperature: f32,
    /// Only the k largest logits are candidates; absent: no limit.
    pub top_k: Option<usize>,
    /// Candidates are the most likely tokens that together reach this probability; 1 keeps all.
    pub top_p: f32,
    /// Tokens below this share of the most likely token's probability are dropped; 0 keeps all.
    pub min_p: f32,
    /// Logits of tokens already in the history are divided (positive) or multiplied (negative) by it; 1 does nothing.
    pub repetition_penalty: f32,
    /// Seed of the random numbers.
    pub seed: u64,
}

impl Default for SamplingConfig {
    fn default() -> Self {
        Self::greedy()
    }
}

impl SamplingConfig {
    /// Greedy decoding: the token with the largest logit.
    #[must_use]
    pub fn greedy() -> Self {
        Self { temperature: 0.0, top_k: None, top_p: 1.0, min_p: 0.0, repetition_penalty: 1.0, seed: 0 }
    }

    /// Sets what logits are divided by; 0 means greedy.
    #[must_use]
    pub fn with_temperature(mut self, temperature: f32) -> Self {
        self.temperature = temperature;
        self
    }

    /// Limits the candidates to the `top_k` largest logits.
    #[must_use]
    pub fn with_top_k(mut self, top_k: usize) -> Self {
        self.top_k = Some(top_k);
        self
    }

    /// Sets the probability that the candidates reach together, in (0, 1].
    #[must_use]
    pub fn with_top_p(mut self, top_p: f32) -> Self {
        self.top_p = top_p;
        self
    }

    /// Sets the smallest share of the most likely token's probability, in [0, 1].
    #[must_use]
    pub fn with_min_p(mut self, min_p: f32) -> Self {
        self.min_p = min_p;
        self
    }

    /// Sets what weakens the logits of tokens in the history; 1 does nothing.
    #[must_use]
    pub fn with_repetition_penalty(mut self, repetition_penalty: f32) -> Self {
        self.repetition_penalty = repetition_penalty;
        self
    }

    /// Sets the seed of the random numbers.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Whether the largest logit is always chosen, because the temperature is too small to divide by.
    #[must_use]
    pub fn is_greedy(&self) -> bool {
        self.temperature < MIN_TEMPERATURE
    }

    /// Every value out of its range, as `key: found X, expected Y`.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut check = |holds: bool, key: &str, found: f32, expected: &str| {
            if !holds {
                problems.push(format!("{key}: found {found}, expected {expected}"));
            }
        };
        check(
            self.temperature >= 0.0 && self.temperature.is_finite(),
            "temperature",
            self.temperature,
            ">= 0",
        );
        check(self.top_p > 0.0 && self.top_p <= 1.0, "top-p", self.top_p, "in (0, 1]");
        check((0.0..=1.0).contains(&self.min_p), "min-p", self.min_p, "in [0, 1]");
        check(
            self.repetition_penalty > 0.0 && self.repetition_penalty.is_finite(),
            "repetition-penalty",
            self.repetition_penalty,
            "> 0",
        );
        check(self.top_k != Some(0), "top-k", 0.0, ">= 1, or absent for no limit");
        problems
    }
}

/// One candidate: token, its logit, later its probability.
#[derive(Clone, Copy)]
struct Candidate {
    id: u32,
    weight: f32,
}

/// Larger weights first, smaller ids among equal ones.
fn likelier(a: &Candidate, b: &Candidate) -> std::cmp::Ordering {
    // Candidates are numbers; unlike `total_cmp` this takes both zeros as equal, as `argmax` does.
    b.weight.partial_cmp(&a.weight).unwrap_or(std::cmp::Ordering::Equal).then(a.id.cmp(&b.id))
}

/// Chooses the token after `history` from `logits` (one per vocabulary entry); `position` numbers the draw.
///
/// NaN logits are never chosen. Without any logit above negative infinity the answer is token 0.
#[must_use]
pub fn sample(logits: &[f32], history: &[TokenId], config: &SamplingConfig, position: u64) -> TokenId {
    let mut logits = std::borrow::Cow::Borrowed(logits);
    if config.repetition_penalty != 1.0 {
        penalize(logits.to_mut(), history, config.repetition_penalty);
    }
    sample_row(&logits, config, position).unwrap_or_else(|| argmax(&logits))
}

/// The same for a row to which the caller has applied the repetition penalty, where there is one: the token that
/// [`sample_best`] chooses from the best entries of the row. `None` when no logit is above negative infinity.
#[must_use]
pub fn sample_row(logits: &[f32], config: &SamplingConfig, position: u64) -> Option<TokenId> {
    if config.is_greedy() {
        let best = argmax(logits);
        return logits.get(best.index()).filter(|logit| **logit > f32::NEG_INFINITY).map(|_| best);
    }
    choose(best_of(logits, config.top_k.filter(|k| *k > 0)), config, position)
}

/// The same from the best entries of a row, without the row: (id, logit), at least [`best_needed`] of them or all.
/// `None` when no logit is above negative infinity.
#[must_use]
pub fn sample_best(best: &[(TokenId, f32)], config: &SamplingConfig, position: u64) -> Option<TokenId> {
    let all = best.iter().map(|(id, logit)| Candidate { id: id.0, weight: *logit });
    choose(all.filter(|candidate| candidate.weight > f32::NEG_INFINITY).collect(), config, position)
}

/// How many of a row's best entries decide like the whole row; none when no number does.
#[must_use]
pub fn best_needed(config: &SamplingConfig) -> Option<usize> {
    let penalized = config.repetition_penalty != 1.0;
    if config.is_greedy() { Some(1) } else { config.top_k }.filter(|k| *k > 0 && !penalized)
}

/// The `count` largest entries of a row, largest first, equal ones by id; NaN and negative infinity are left out.
///
/// ```
/// use internlm_model::TokenId;
/// use internlm_model::sampling::largest;
///
/// assert_eq!(largest(&[1.0, 3.0, f32::NAN, 3.0], 2), [(TokenId(1), 3.0), (TokenId(3), 3.0)]);
/// ```
#[must_use]
pub fn largest(logits: &[f32], count: usize) -> Vec<(TokenId, f32)> {
    let mut best = best_of(logits, Some(count));
    best.sort_unstable_by(likelier);
    best.into_iter().map(|candidate| (TokenId(candidate.id), candidate.weight)).collect()
}

/// One of `all`, whose weights are logits above negative infinity.
fn choose(all: Vec<Candidate>, config: &SamplingConfig, position: u64) -> Option<TokenId> {
    if config.is_greedy() {
        return all.iter().min_by(|a, b| likelier(a, b)).map(|best| TokenId(best.id));
    }
    draw(&candidates(all, config), CounterRng::new(config.seed, "sampling").f64(position))
}

/// The largest logit; ties go to the smaller id.
#[must_use]
pub fn argmax(logits: &[f32]) -> TokenId {
    let mut best = (0, f32::NEG_INFINITY);
    for (block, values) in logits.chunks(BLOCK).enumerate() {
        if !any_above(values, best.1) {
            continue;
        }
        for (id, &logit) in (block * BLOCK..).zip(values) {
            if logit > best.1 {
                best = (id, logit);
            }
        }
    }
    TokenId(best.0 as u32)
}

/// The `count` largest entries of a row, or all of them, in no order; only those above negative infinity.
fn best_of(logits: &[f32], count: Option<usize>) -> Vec<Candidate> {
    let count = count.unwrap_or(usize::MAX);
    let room = count.saturating_mul(4).max(ROOM);
    let mut best = Vec::with_capacity(room.saturating_add(BLOCK).min(logits.len()));
    // Every entry that is not larger than this one is known to be too small; of equal ones the earlier stay.
    let mut floor = f32::NEG_INFINITY;
    for (block, values) in (0..).step_by(BLOCK).zip(logits.chunks(BLOCK)) {
        if !any_above(values, floor) {
            continue;
        }
        let above = (block..).zip(values).filter(|(_, logit)| **logit > floor);
        best.extend(above.map(|(id, logit)| Candidate { id, weight: *logit }));
        if best.len() > room {
            keep_best(&mut best, count);
            floor = best.iter().map(|candidate| candidate.weight).fold(f32::INFINITY, f32::min);
        }
    }
    keep_best(&mut best, count);
    best
}

/// Drops all but the `count` best.
fn keep_best(candidates: &mut Vec<Candidate>, count: usize) {
    if count == 0 {
        candidates.clear();
    } else if count < candidates.len() {
        candidates.select_nth_unstable_by(count - 1, likelier);
        candidates.truncate(count);
    }
}

/// Whether any value is larger than `floor`. Without an early end it is one comparison of vectors.
fn any_above(values: &[f32], floor: f32) -> bool {
    values.iter().fold(false, |any, value| any | (*value > floor))
}

/// Weakens the logits of the tokens in `history`, each once.
pub fn penalize(logits: &mut [f32], history: &[TokenId], penalty: f32) {
    let mut seen: Vec<usize> = history.iter().map(|id| id.index()).collect();
    seen.sort_unstable();
    seen.dedup();
    for id in seen {
        if let Some(logit) = logits.get_mut(id) {
            *logit = penalized(*logit, penalty);
        }
    }
}

/// The logit of a token that has occurred: divided by the repetition penalty when it is positive, else multiplied
/// (Keskar et al., "CTRL", 2019; transformers' `RepetitionPenaltyLogitsProcessor`).
#[must_use]
pub fn penalized(logit: f32, penalty: f32) -> f32 {
    if logit > 0.0 { logit / penalty } else { logit * penalty }
}

/// The candidates that survive top-k, top-p and min-p, with unnormalized probabilities: most likely first with top-k or
/// top-p, else as they came (sorting a whole vocabulary takes longer than all the rest).
fn candidates(mut candidates: Vec<Candidate>, config: &SamplingConfig) -> Vec<Candidate> {
    if let Some(k) = config.top_k.filter(|&k| k > 0) {
        keep_best(&mut candidates, k);
        candidates.sort_unstable_by(likelier);
    }
    let largest = candidates.iter().map(|candidate| candidate.weight).fold(f32::NEG_INFINITY, f32::max);
    for candidate in &mut candidates {
        candidate.weight = share(candidate.weight, largest, config.temperature);
    }
    if config.top_p < 1.0 {
        truncate_top_p(&mut candidates, config.top_p);
    }
    // The most likely token has weight 1: min-p compares with it directly.
    candidates.retain(|candidate| candidate.weight >= config.min_p);
    candidates
}

/// Probability of a logit as a share of the largest one's, in [0, 1]; infinite logits are as likely as each other.
fn share(logit: f32, largest: f32, temperature: f32) -> f32 {
    // The difference comes first: quotients may overflow, and infinities have no difference.
    if logit == largest { 1.0 } else { ((logit - largest) / temperature).exp() }
}

/// Keeps the most likely candidates, most likely first, until they reach `top_p`; at least one stays.
fn truncate_top_p(candidates: &mut Vec<Candidate>, top_p: f32) {
    let total: f64 = candidates.iter().map(|candidate| f64::from(candidate.weight)).sum();
    let (mut sum, mut sorted) = (0.0, 0);
    // The share is nearly always reached by few: no more are sorted than needed.
    let mut more = 256;
    while sorted < candidates.len() {
        let rest = &mut candidates[sorted..];
        if more < rest.len() {
            rest.select_nth_unstable_by(more - 1, likelier);
        }
        let part = more.min(rest.len());
        rest[..part].sort_unstable_by(likelier);
        for (index, candidate) in rest[..part].iter().enumerate() {
            sum += f64::from(candidate.weight);
            if sum >= f64::from(top_p) * total {
                candidates.truncate(sorted + index + 1);
                return;
            }
        }
        sorted += part;
        more *= 8;
    }
}

/// The candidate under `uniform` of the cumulative distribution.
fn draw(candidates: &[Candidate], uniform: f64) -> Option<TokenId> {
    let total: f64 = candidates.iter().map(|candidate| f64::from(candidate.weight)).sum();
    let mut left = uniform * total;
    for candidate in candidates {
        left -= f64::from(candidate.weight);
        if left < 0.0 {
            return Some(TokenId(candidate.id));
        }
    }
    candidates.last().map(|candidate| TokenId(candidate.id))
}

#[cfg(test)]
mod tests;
