//! One request inside the scheduler: its ids, how many are computed, its blocks.

use std::sync::Arc;
use std::time::Duration;

use internlm_model::TokenId;

use super::{
    CancelCause, End, LogitsWanted, PromptLogits, Request, RequestId, SchedulerConfig, SequencePart,
    StopCause,
};
use crate::cache::{BlockId, Link, Parent, Scope};

/// Whether a sequence takes part in steps.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum State {
    /// Holds no blocks.
    Waiting,
    /// Holds the blocks of its computed tokens.
    Running,
    /// Holds the blocks of its computed tokens and has given its place in the batch to others.
    Parked,
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
    /// How many of the blocks, from the first one, are in the index of prefixes.
    pub(super) published: usize,
    pub(super) state: State,
    /// When it was submitted.
    pub(super) arrival: Duration,
    /// Number of the last step it took part in, so that a short budget serves all in turn.
    pub(super) last_step: u64,
    /// Set while its step is under way and it has been cancelled.
    pub(super) cancelled: Option<CancelCause>,
    /// Since when its reader is too slow.
    pub(super) paused: Option<Duration>,
    /// The block that it computes now, when others wait for that instead of computing it too.
    pub(super) produces: Option<Link>,
    /// The block that it waits for, because another sequence computes it.
    pub(super) follows: Option<Link>,
    /// Whether it has held blocks.
    pub(super) admitted: bool,
    /// Whether some of its keys depend on its length, so that nobody else can use them.
    pub(super) stretched: bool,
    /// Whose blocks it may share; none: it shares with nobody.
    scope: Option<Scope>,
    /// Whether every prompt position has given the logits or hidden states that are wanted of each.
    scored: bool,
}

/// How much a sequence can use its blocks; the last kind is the first to lose them.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Use {
    /// It waits for blocks or runs.
    Now,
    /// It waits for a place in the batch.
    Soon,
    /// Its reader is too slow.
    Paused,
}

/// Orders sequences: smaller runs first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Rank {
    usefulness: Use,
    priority: i64,
    arrival: Duration,
    pub(super) id: RequestId,
}

impl Sequence {
    pub(super) fn new(request: Request, arrival: Duration, config: &SchedulerConfig) -> Self {
        let salt = request.cache_salt.as_deref().map(Arc::from);
        let scope = match (config.prefix_caching, request.group) {
            (true, _) => Some(Scope { salt, group: None }),
            (false, Some(group)) => Some(Scope { salt, group: Some(group) }),
            (false, None) => None,
        };
        Self {
            tokens: request.prompt.clone(),
            scored: matches!(request.prompt_logits, PromptLogits::Last | PromptLogits::HiddenLast),
            request,
            computed: 0,
            blocks: Vec::new(),
            published: 0,
            state: State::Waiting,
            arrival,
            last_step: 0,
            cancelled: None,
            paused: None,
            produces: None,
            follows: None,
            admitted: false,
            stretched: false,
            scope,
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

    /// A sequence with blocks keeps the rank it was submitted with; a waiting one gains a level per `aging`.
    pub(super) fn rank(&self, now: Duration, aging: Duration) -> Rank {
        let levels = match self.state {
            State::Waiting if !aging.is_zero() => {
                now.saturating_sub(self.arrival).as_nanos() / aging.as_nanos()
            }
            _ => 0,
        };
        let levels = i64::try_from(levels).unwrap_or(i64::MAX / 2);
        let usefulness = match (self.state, self.paused) {
            (State::Parked, Some(_)) => Use::Paused,
            (State::Parked, None) => Use::Soon,
            (State::Waiting | State::Running, _) => Use::Now,
        };
        Rank {
            usefulness,
            priority: i64::from(self.request.priority) - levels,
            arrival: self.arrival,
            id: self.request.id,
        }
    }

    /// Blocks missing to hold `tokens` more computed tokens.
    pub(super) fn blocks_for(&self, tokens: usize, block_tokens: usize) -> usize {
        (self.computed + tokens).div_ceil(block_tokens).saturating_sub(self.blocks.len())
    }

    /// Whose blocks this waiting sequence may use. None while something is wanted of every token of its prompt, which must
    /// all be computed for it, and none once it is so long that its length changes its keys.
    pub(super) fn readable(&self, publish_limit: usize) -> Option<&Scope> {
        let partly = matches!(self.request.prompt_logits, PromptLogits::From(_));
        self.scope.as_ref().filter(|_| (self.scored || partly) && self.tokens.len() <= publish_limit)
    }

    /// Number of first tokens that may come from the cache: those whose logits nobody wants. The last token is computed
    /// in any case.
    pub(super) fn reusable(&self) -> usize {
        let known = self.tokens.len() - 1;
        match self.request.prompt_logits {
            PromptLogits::From(place) if !self.scored => place.saturating_sub(1).min(known),
            _ => known,
        }
    }

    /// What its next block that is not published follows. None when it publishes nothing.
    pub(super) fn parent(&self) -> Option<Parent> {
        let scope = self.scope.as_ref().filter(|_| !self.stretched)?;
        Some(match self.published.checked_sub(1) {
            Some(last) => Parent::Block(self.blocks[last]),
            None => Parent::Start(scope.clone()),
        })
    }

    /// The known tokens of block number `index`; fewer than a block's at the end, and none beyond it.
    pub(super) fn block(&self, index: usize, block_tokens: usize) -> &[TokenId] {
        let start = (index * block_tokens).min(self.tokens.len());
        let end = (start + block_tokens).min(self.tokens.len());
        &self.tokens[start..end]
    }

    /// The block that it computes next, all of whose tokens are known: another sequence can wait for it.
    pub(super) fn produced(&self, config: &SchedulerConfig) -> Option<Link> {
        if self.missing() == 0 || self.decodes() || self.tokens.len() > config.publish_limit {
            return None;
        }
        let tokens = self.block(self.published, config.block_tokens);
        let parent = self.parent().filter(|_| !tokens.is_empty())?;
        Some(Link { parent, tokens: tokens.into() })
    }

    /// The part of the next step that computes `tokens` tokens; its blocks must have been allocated.
    pub(super) fn step(&self, tokens: usize) -> SequencePart {
        let logits = self.wanted(tokens);
        SequencePart {
            id: self.request.id,
            tokens: self.tokens[self.computed..self.computed + tokens].to_vec(),
            position: self.computed,
            rope_len: self.tokens.len(),
            blocks: self.blocks.clone(),
            logits,
        }
    }

    /// What is wanted of the next `tokens` tokens.
    fn wanted(&self, tokens: usize) -> LogitsWanted {
        let last = tokens == self.missing();
        match self.request.prompt_logits {
            PromptLogits::HiddenAll => LogitsWanted::HiddenAll,
            PromptLogits::HiddenLast if last => LogitsWanted::HiddenLast,
            PromptLogits::All if !self.scored => LogitsWanted::All,
            PromptLogits::From(place) if !self.scored && self.computed + tokens >= place => LogitsWanted::All,
            PromptLogits::All | PromptLogits::From(_) | PromptLogits::Last
                if last && self.request.max_new > 0 =>
            {
                LogitsWanted::Last
            }
            _ => LogitsWanted::None,
        }
    }

    /// Notes that the tokens of `step` have their keys and values now.
    pub(super) fn advance(&mut self, step: &SequencePart, publish_limit: usize) {
        self.computed += step.tokens.len();
        self.scored |= self.computed >= self.request.prompt.len();
        self.stretched |= step.rope_len > publish_limit;
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
