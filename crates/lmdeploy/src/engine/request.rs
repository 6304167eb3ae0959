//! What is asked of the scheduler, and what is asked of the engine.

use std::time::Duration;

use internlm_model::TokenId;
use internlm_model::sampling::{SamplingConfig, best_needed};

use super::RowsWanted;

/// Names one request for its whole life; never used twice by one engine.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RequestId(pub u64);

/// A request as the scheduler sees it: ids and limits, no text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Request {
    /// Its name.
    pub id: RequestId,
    /// The prompt; at least one id.
    pub prompt: Vec<TokenId>,
    /// Most ids to generate; 0 scores the prompt only.
    pub max_new: usize,
    /// Ids that end the sequence.
    pub stop_ids: Vec<TokenId>,
    /// Smaller runs first.
    pub priority: i32,
    /// Whether logits of every prompt position are wanted.
    pub prompt_logits: PromptLogits,
    /// How much of its rows of logits is needed.
    pub rows: RowsWanted,
    /// Queue time plus run time it may take.
    pub timeout: Option<Duration>,
}

/// Whether logits of every prompt position are wanted, or only those that the next id is sampled from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PromptLogits {
    /// Of the last position only.
    Last,
    /// Of every position: prompt scoring.
    All,
}

/// A request as the engine's users make it.
///
/// ```
/// use lmdeploy::engine::GenerateRequest;
/// use internlm_model::TokenId;
/// let request = GenerateRequest { max_new: 8, ..GenerateRequest::new(vec![TokenId(1)]) };
/// assert!(request.stop.is_empty());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct GenerateRequest {
    /// The prompt; at least one id.
    pub prompt: Vec<TokenId>,
    /// Most ids to generate; 0 scores the prompt only.
    pub max_new: usize,
    /// How ids are chosen.
    pub sampling: SamplingConfig,
    /// Ids that end the text; they are not part of it.
    pub stop_ids: Vec<TokenId>,
    /// Strings that end the text; they are not part of it.
    pub stop: Vec<String>,
    /// Whether the text shows special tokens.
    pub special: internlm_model::tokenizer::Special,
    /// Log-probabilities of generated ids, with this many of the likeliest ids.
    pub logprobs: Option<usize>,
    /// Log-probabilities of the prompt's ids, with this many of the likeliest ids.
    pub prompt_logprobs: Option<usize>,
    /// Smaller runs first.
    pub priority: i32,
    /// Queue time plus run time it may take.
    pub timeout: Option<Duration>,
}

impl GenerateRequest {
    /// Greedy continuation of `prompt`, at most 16 ids.
    #[must_use]
    pub fn new(prompt: Vec<TokenId>) -> Self {
        Self {
            prompt,
            max_new: 16,
            sampling: SamplingConfig::greedy(),
            stop_ids: Vec::new(),
            stop: Vec::new(),
            special: internlm_model::tokenizer::Special::Skip,
            logprobs: None,
            prompt_logprobs: None,
            priority: 0,
            timeout: None,
        }
    }

    /// How much of a row of logits its next id and its scores depend on.
    #[must_use]
    pub fn rows(&self) -> RowsWanted {
        match (self.logprobs, self.prompt_logprobs) {
            (None, None) => RowsWanted::best(best_needed(&self.sampling)),
            _ => RowsWanted::Whole,
        }
    }

    /// The scheduler's view of it under the name `id`.
    #[must_use]
    pub fn to_schedule(&self, id: RequestId) -> Request {
        let prompt_logits =
            if self.prompt_logprobs.is_some() { PromptLogits::All } else { PromptLogits::Last };
        Request {
            id,
            prompt: self.prompt.clone(),
            max_new: self.max_new,
            stop_ids: self.stop_ids.clone(),
            priority: self.priority,
            prompt_logits,
            rows: self.rows(),
            timeout: self.timeout,
        }
    }
}
