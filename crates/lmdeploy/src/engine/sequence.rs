//! One request inside the scheduler: its ids, how many are computed, its blocks.

use std::time::Duration;

use internlm_model::TokenId;

use super::{CancelCause, End, LogitsWanted, PromptLogits, Request, RequestId, SequencePart, StopCause};
use crate::cache::BlockId;

/// Whether a sequence takes part in steps.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum State {
    /// Holds no blocks.
    Waiting,
    /// Holds the blocks of its computed tokens.
    Running,
}

/// One request inside the scheduler.
#[derive(Clone, Debug)]
pub(super) struct Sequence {
    pub(super) request: Request,
    /// Prompt and generated ids.
    pub(super) tokens: Vec<TokenId>,
    /// How many of them have their keys and values in the cache.
    pub(super) computed: usize,
    pub(super) blocks: Vec<BlockId>,
    pub(super) state: State,
    /// When it was submitted.
    pub(super) arrival: Duration,
    /// Number of the last step it took part in, so that a short budget serves all in turn.
    pub(super) last_step: u64,
    /// Set while its step is under way and it has been cancelled.
    pub(super) cancelled: Option<CancelCause>,
    /// Whether every prompt position has given its logits.
    scored: bool,
}

/// Orders sequences: smaller runs first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Rank {
    priority: i64,
    arrival: Duration,
    id: RequestId,
}

impl Sequence {
    pub(super) fn new(request: Request, arrival: Duration) -> Self {
        Self {
            tokens: request.prompt.clone(),
            scored: request.prompt_logits == PromptLogits::Last,
            request,
            computed: 0,
            blocks: Vec::new(),
            state: State::Waiting,
            arrival,
            last_step: 0,
            cancelled: None,
        }
    }

    /// Tokens whose keys and values are missing.
    pub(super) fn missing(&self) -> usize {
        self.tokens.len() - self.computed
    }

    /// Whether the prompt is computed and one token at a time follows.
    pub(super) fn decodes(&self) -> bool {
        self.missing() == 1 && self.tokens.len() > self.request.prompt.len()
    }

    /// Ids generated so far.
    pub(super) fn generated(&self) -> usize {
        self.tokens.len() - self.request.prompt.len()
    }

    /// A running sequence keeps the rank it was submitted with; a waiting one gains a level per `aging`.
    pub(super) fn rank(&self, now: Duration, aging: Duration) -> Rank {
        let levels = match self.state {
            State::Waiting if !aging.is_zero() => {
                now.saturating_sub(self.arrival).as_nanos() / aging.as_nanos()
            }
            _ => 0,
        };
        let levels = i64::try_from(levels).unwrap_or(i64::MAX / 2);
        Rank {
            priority: i64::from(self.request.priority) - levels,
            arrival: self.arrival,
            id: self.request.id,
        }
    }

    /// Blocks missing to hold `tokens` more computed tokens.
    pub(super) fn blocks_for(&self, tokens: usize, block_tokens: usize) -> usize {
        (self.computed + tokens).div_ceil(block_tokens).saturating_sub(self.blocks.len())
    }

    /// The part of the next step that computes `tokens` tokens; its blocks must have been allocated.
    pub(super) fn step(&self, tokens: usize) -> SequencePart {
        let last = tokens == self.missing();
        let logits = match (self.scored, last && self.request.max_new > 0) {
            (false, _) => LogitsWanted::All,
            (true, true) => LogitsWanted::Last,
            (true, false) => LogitsWanted::None,
        };
        SequencePart {
            id: self.request.id,
            tokens: self.tokens[self.computed..self.computed + tokens].to_vec(),
            position: self.computed,
            rope_len: self.tokens.len(),
            blocks: self.blocks.clone(),
            logits,
        }
    }

    /// Notes that `tokens` tokens have their keys and values now.
    pub(super) fn advance(&mut self, tokens: usize) {
        self.computed += tokens;
        self.scored |= self.computed >= self.request.prompt.len();
    }

    /// Appends a generated id and says whether the sequence ends with it.
    pub(super) fn append(&mut self, token: TokenId, max_length: usize) -> Option<End> {
        self.tokens.push(token);
        if self.request.stop_ids.contains(&token) {
            Some(End::Stop(StopCause::Id(token)))
        } else if self.generated() >= self.request.max_new || self.tokens.len() >= max_length {
            Some(End::Length)
        } else {
            None
        }
    }

    /// Whether it has taken longer than its timeout.
    pub(super) fn expired(&self, now: Duration) -> bool {
        self.request.timeout.is_some_and(|timeout| now.saturating_sub(self.arrival) >= timeout)
    }
}
