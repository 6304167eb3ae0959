//! What is asked of the scheduler, and what is asked of the engine.

use std::time::Duration;

use internlm_model::sampling::{SamplingConfig, best_needed};
use internlm_model::tokenizer::{Special, StreamDecoder};
use internlm_model::{TokenId, Tokenizer};

use super::{LogitsDetail, RequestId, ThinkingBudget};
use crate::decode::{Grammar, LogitRules};

/// Number of ids that a request generates at most when it does not say.
const DEFAULT_MAX_NEW: usize = 16;

/// A request as the scheduler sees it: ids and limits, no text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Request {
    /// Its name, unique within the scheduler.
    pub id: RequestId,
    /// The prompt; at least one id.
    pub prompt: Vec<TokenId>,
    /// Maximum number of ids to generate; 0 computes the prompt only.
    pub max_new: usize,
    /// Ids that end the sequence.
    pub stop_ids: Vec<TokenId>,
    /// Requests with smaller numbers run first.
    pub priority: i32,
    /// At which prompt positions logits are wanted, or hidden states instead.
    pub prompt_logits: PromptLogits,
    /// How much of its rows of logits is needed.
    pub detail: LogitsDetail,
    /// Maximum time in the queue and running together; none: no limit.
    pub timeout: Option<Duration>,
    /// Requests share cached prompts only with those of the same salt.
    pub cache_salt: Option<String>,
    /// Requests with the same number wait for each other's prompts, and share them even without prefix caching.
    pub group: Option<u64>,
}

/// At which positions of the prompt logits are wanted, or hidden states instead.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PromptLogits {
    /// At the last position only, from which the next id is sampled.
    Last,
    /// At every position, to score the prompt.
    All,
    /// At every position from the one before this place on, to score the rest of the prompt. What comes before may be
    /// taken from the prefix cache.
    From(usize),
    /// The hidden states of the last position, for an embedding; nothing is generated.
    HiddenLast,
    /// The hidden states of every position, for an embedding that is their mean; nothing is generated.
    HiddenAll,
}

/// How the hidden states of a prompt become one vector, which is not normalized.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Pooling {
    /// Those of the last token, which has seen all others.
    Last,
    /// The mean over all tokens.
    Mean,
}

/// A request to the engine.
///
/// ```
/// use internlm_model::TokenId;
/// use lmdeploy::engine::GenerateRequest;
/// let request = GenerateRequest::new(vec![TokenId(1)]).with_max_new(8).with_stop(["END"]);
/// assert_eq!((request.max_new, request.stop.len()), (8, 1));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct GenerateRequest {
    /// The prompt; at least one id.
    pub prompt: Vec<TokenId>,
    /// Maximum number of ids to generate; 0 scores the prompt only. Default 16.
    pub max_new: usize,
    /// How ids are chosen. Default: greedily.
    pub sampling: SamplingConfig,
    /// Ids that end the text and are not part of it.
    pub stop_ids: Vec<TokenId>,
    /// Strings that end the text and are not part of it.
    pub stop: Vec<String>,
    /// Whether a stop string is part of the text after all. Default: it is not.
    pub include_stop: bool,
    /// What changes or forbids ids before one is chosen. Default: nothing.
    pub rules: LogitRules,
    /// What the text must look like. Default: anything.
    pub grammar: Option<Grammar>,
    /// How much the model may think before it answers. Like stop strings it needs the engine's tokenizer. Default: no
    /// limit.
    pub thinking: Option<ThinkingBudget>,
    /// Minimum number of ids to generate before a stop id or a stop string may end the text. Default 0.
    pub min_new: usize,
    /// Whether the text shows special tokens. Default: it does not.
    pub special: Special,
    /// Whether the text continues that of the prompt: then a space at its beginning is kept, which tokenizers otherwise
    /// add in front of a text and leave out again. Default: it does not.
    pub continues: bool,
    /// Score generated ids, with this many of the most likely ids at each place. Default: no scores.
    pub logprobs: Option<usize>,
    /// Score these ids and the generated one at each place, instead of the most likely ids; only with `logprobs`.
    /// Default: the most likely ones.
    pub score_ids: Vec<TokenId>,
    /// Score the prompt's ids, with this many of the most likely ids at each place. Default: no scores.
    pub prompt_logprobs: Option<usize>,
    /// Place of the first id of the prompt that is scored; those before it may come from the prefix cache. Only with
    /// `prompt_logprobs`. Default 0: all are.
    pub prompt_logprobs_from: usize,
    /// Gives a vector of the prompt instead of a text: nothing is generated or scored. Default: a text.
    pub pooling: Option<Pooling>,
    /// Requests with smaller numbers run first. Default 0.
    pub priority: i32,
    /// Maximum time in the queue and running together. Default: no limit.
    pub timeout: Option<Duration>,
    /// Separates tenants: cached prompts are shared only between requests of the same salt, so that nobody learns from
    /// the time to the first token what others have asked. Default: none, which is a salt like any other.
    pub cache_salt: Option<String>,
    /// The choices of one answer: requests with the same number and the same prompt compute it once, even without
    /// prefix caching. Default: no group.
    pub group: Option<u64>,
}

impl GenerateRequest {
    /// Greedy continuation of `prompt` by at most 16 ids.
    #[must_use]
    pub fn new(prompt: Vec<TokenId>) -> Self {
        Self {
            prompt,
            max_new: DEFAULT_MAX_NEW,
            sampling: SamplingConfig::greedy(),
            stop_ids: Vec::new(),
            stop: Vec::new(),
            include_stop: false,
            rules: LogitRules::default(),
            grammar: None,
            thinking: None,
            min_new: 0,
            special: Special::Skip,
            continues: false,
            logprobs: None,
            score_ids: Vec::new(),
            prompt_logprobs: None,
            prompt_logprobs_from: 0,
            pooling: None,
            priority: 0,
            timeout: None,
            cache_salt: None,
            group: None,
        }
    }

    /// Sets the maximum number of ids to generate; 0 scores the prompt only.
    #[must_use]
    pub fn with_max_new(self, max_new: usize) -> Self {
        Self { max_new, ..self }
    }

    /// Sets how ids are chosen.
    #[must_use]
    pub fn with_sampling(self, sampling: SamplingConfig) -> Self {
        Self { sampling, ..self }
    }

    /// Sets the ids that end the text.
    #[must_use]
    pub fn with_stop_ids(self, stop_ids: Vec<TokenId>) -> Self {
        Self { stop_ids, ..self }
    }

    /// Sets the strings that end the text.
    #[must_use]
    pub fn with_stop(self, stop: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { stop: stop.into_iter().map(Into::into).collect(), ..self }
    }

    /// Makes the stop string that ends the text a part of it.
    #[must_use]
    pub fn with_stop_included(self) -> Self {
        Self { include_stop: true, ..self }
    }

    /// Sets what changes or forbids ids before one is chosen.
    #[must_use]
    pub fn with_rules(self, rules: LogitRules) -> Self {
        Self { rules, ..self }
    }

    /// Sets what the text must look like.
    #[must_use]
    pub fn with_grammar(self, grammar: Grammar) -> Self {
        Self { grammar: Some(grammar), ..self }
    }

    /// Limits how much the model may think before it answers.
    #[must_use]
    pub fn with_thinking(self, budget: ThinkingBudget) -> Self {
        Self { thinking: Some(budget), ..self }
    }

    /// Sets the minimum number of ids to generate before anything may end the text.
    #[must_use]
    pub fn with_min_new(self, min_new: usize) -> Self {
        Self { min_new, ..self }
    }

    /// Asks for log-probabilities of generated ids, with `top` of the most likely ids at each place.
    #[must_use]
    pub fn with_logprobs(self, top: usize) -> Self {
        Self { logprobs: Some(top), ..self }
    }

    /// Asks for log-probabilities of generated ids, with those of `ids` at each place.
    #[must_use]
    pub fn with_score_ids(self, ids: impl IntoIterator<Item = TokenId>) -> Self {
        Self { logprobs: self.logprobs.or(Some(0)), score_ids: ids.into_iter().collect(), ..self }
    }

    /// Asks for log-probabilities of the prompt's ids, with `top` of the most likely ids at each place.
    #[must_use]
    pub fn with_prompt_logprobs(self, top: usize) -> Self {
        Self { prompt_logprobs: Some(top), ..self }
    }

    /// Scores only the prompt's ids from `place` on; those before it may come from the prefix cache.
    #[must_use]
    pub fn with_prompt_logprobs_from(self, place: usize) -> Self {
        Self { prompt_logprobs_from: place, ..self }
    }

    /// Asks for a vector of the prompt instead of a text.
    #[must_use]
    pub fn with_pooling(self, pooling: Pooling) -> Self {
        Self { pooling: Some(pooling), max_new: 0, ..self }
    }

    /// Sets the maximum time in the queue and running together.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }

    /// Sets the salt that separates it from other tenants' cached prompts.
    #[must_use]
    pub fn with_cache_salt(self, cache_salt: impl Into<String>) -> Self {
        Self { cache_salt: Some(cache_salt.into()), ..self }
    }

    /// Makes it one of several choices that share a prompt.
    #[must_use]
    pub fn with_group(self, group: u64) -> Self {
        Self { group: Some(group), ..self }
    }

    /// Turns the generated ids into text.
    #[must_use]
    pub fn decoder(&self, tokenizer: &Tokenizer) -> StreamDecoder {
        let mut decoder = tokenizer.stream_decoder(self.special);
        if let Some(last) = self.prompt.last().filter(|_| self.continues) {
            // Behind an id of the prompt the decoder is past the beginning of the text.
            decoder.push(*last);
            decoder.finish();
        }
        decoder
    }

    /// How much of a row of logits its next id and its scores depend on.
    #[must_use]
    pub fn detail(&self) -> LogitsDetail {
        let scored = self.logprobs.is_some() || self.prompt_logprobs.is_some();
        let changed = self.rules.changes_logits() || self.grammar.is_some() || self.min_new > 0;
        if scored || changed { LogitsDetail::Full } else { LogitsDetail::top(best_needed(&self.sampling)) }
    }

    /// The scheduler's view of it under the name `id`.
    #[must_use]
    pub fn to_schedule(&self, id: RequestId) -> Request {
        let prompt_logits = match (self.pooling, self.prompt_logprobs) {
            (Some(Pooling::Last), _) => PromptLogits::HiddenLast,
            (Some(Pooling::Mean), _) => PromptLogits::HiddenAll,
            // The first id of all has no score.
            (None, Some(_)) => match self.prompt_logprobs_from.min(self.prompt.len()) {
                0 | 1 => PromptLogits::All,
                place => PromptLogits::From(place),
            },
            (None, None) => PromptLogits::Last,
        };
        Request {
            id,
            prompt: self.prompt.clone(),
            max_new: if self.pooling.is_some() { 0 } else { self.max_new },
            stop_ids: self.stop_ids.clone(),
            priority: self.priority,
            prompt_logits,
            detail: self.detail(),
            timeout: self.timeout,
            cache_salt: self.cache_salt.clone(),
            group: self.group,
        }
    }
}
