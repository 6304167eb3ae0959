//! [`Scheduler`]: continuous batching with chunked prefill over a bounded cache, as a pure state machine.
//!
//! There are no prefill and decode phases: a sequence has known and computed tokens, and a step gives it up to
//! `known - computed` of them (Agrawal et al., "Sarathi-Serve", 2024; upstream's
//! `lmdeploy/pytorch/paging/scheduler.py`). What the cache knows of a prompt already is not computed again. Time is an
//! argument; randomness and tensors are elsewhere.

mod apply;
mod audit;
mod results;

use std::collections::BTreeMap;
use std::time::Duration;

use internlm_model::TokenId;

use self::results::Leftover;
use super::plan::{Plan, View};
use super::sequence::{Sequence, State};
use super::{
    Batch, CancelCause, End, EngineFault, Event, Rejected, Request, RequestId, SchedulerConfig,
    SchedulerStats, StepResult,
};
use crate::cache::{BlockId, Link, PrefixCache, Retention};

/// Decides which sequences compute what in each step, and who holds which block.
///
/// Every accepted request gets exactly one [`Event::End`], whatever happens.
///
/// ```
/// use std::time::Duration;
/// use internlm_model::TokenId;
/// use lmdeploy::engine::{Executor, GenerateRequest, RequestId, Scheduler, SchedulerConfig, StepResult};
/// use lmdeploy::testing::MockExecutor;
///
/// let config = SchedulerConfig::new(&MockExecutor::default().capacity());
/// let mut scheduler = Scheduler::new(config);
/// let request = GenerateRequest::new(vec![TokenId(5)]).with_max_new(2);
/// scheduler.submit(request.to_schedule(RequestId(0)), Duration::ZERO).expect("there is room");
///
/// while scheduler.has_work() {
///     let batch = scheduler.schedule(Duration::ZERO);
///     let results = batch.steps.iter().map(|_| StepResult::Sampled(TokenId(7))).collect();
///     scheduler.commit(&batch, results);
/// }
/// assert_eq!(scheduler.take_events().len(), 4); // admitted, two tokens and an end
/// assert_eq!(scheduler.stats().active_blocks, 0);
/// ```
#[derive(Clone, Debug)]
pub struct Scheduler {
    config: SchedulerConfig,
    cache: PrefixCache,
    sequences: BTreeMap<RequestId, Sequence>,
    /// Which running sequence computes which block, for those that wait for it.
    producers: BTreeMap<Link, RequestId>,
    /// Blocks that the batch under way copies from.
    pinned: Vec<BlockId>,
    events: Vec<Event>,
    steps: u64,
    preemptions: u64,
    /// Tokens of prompts that were looked up in the cache, and how many of them were there.
    lookups: Lookups,
    /// Whether a batch is under way.
    in_flight: bool,
    /// Tokens of prompts per decode in one step.
    prompt_share: Option<f64>,
}

/// How much of the prompts the cache knew.
#[derive(Clone, Copy, Debug, Default)]
struct Lookups {
    asked: u64,
    hit: u64,
}

impl Scheduler {
    /// A scheduler without requests.
    ///
    /// # Panics
    /// When a limit is 0 or there are more sequences than tokens in a step: nothing could ever run.
    #[must_use]
    pub fn new(config: SchedulerConfig) -> Self {
        assert!(
            config.max_sequences > 0 && config.max_sequences <= config.max_batched_tokens,
            "a step has room"
        );
        assert!(config.block_tokens > 0 && config.max_length > 0, "sequences have room");
        let retention = if config.prefix_caching { Retention::Keep } else { Retention::Drop };
        let cache = PrefixCache::new(config.blocks, config.block_tokens, retention);
        Self {
            config,
            cache,
            sequences: BTreeMap::new(),
            producers: BTreeMap::new(),
            pinned: Vec::new(),
            events: Vec::new(),
            steps: 0,
            preemptions: 0,
            lookups: Lookups::default(),
            in_flight: false,
            prompt_share: None,
        }
    }

    /// The limits that it was made with.
    #[must_use]
    pub fn config(&self) -> &SchedulerConfig {
        &self.config
    }

    /// Sets how many tokens of prompts a step may compute per sequence that waits for its next token, so that the gaps
    /// between tokens stay short while a long prompt is computed. `None`, as at first: as many as fit into a step.
    pub fn set_prompt_share(&mut self, share: Option<f64>) {
        self.prompt_share = share;
    }

    /// Takes a request, which waits from now on until [`Scheduler::schedule`] picks it.
    ///
    /// # Errors
    /// The queue is full, or the request can never fit. Then no event of it follows.
    ///
    /// # Panics
    /// When the id is in use.
    pub fn submit(&mut self, request: Request, now: Duration) -> Result<(), Rejected> {
        if request.prompt.is_empty() {
            return Err(Rejected::EmptyPrompt);
        }
        let (prompt, wanted, limit) = (request.prompt.len(), request.max_new, self.config.max_length);
        if prompt + wanted.min(1) > limit {
            return Err(Rejected::TooLong { prompt, wanted, limit });
        }
        if self.sequences.len() >= self.config.max_requests() {
            return Err(Rejected::QueueFull { waiting: self.stats().waiting });
        }
        let old = self.sequences.insert(request.id, Sequence::new(request, now, &self.config));
        assert!(old.is_none(), "request ids are used once");
        Ok(())
    }

    /// Ends a request. Unknown ids are ignored, because the request may just have ended by itself.
    ///
    /// While a batch is under way, its blocks are kept until the commit, but no more of its ids come out.
    pub fn cancel(&mut self, id: RequestId, cause: CancelCause) {
        let Some(sequence) = self.sequences.get_mut(&id) else { return };
        if self.in_flight && sequence.state == State::Running {
            sequence.cancelled = Some(cause);
        } else {
            self.end(id, End::Abort(cause), Leftover::Shared);
        }
    }

    /// Ends every request, running or waiting.
    pub fn cancel_all(&mut self, cause: CancelCause) {
        let ids: Vec<RequestId> = self.sequences.keys().copied().collect();
        for id in ids {
            self.cancel(id, cause);
        }
    }

    /// Leaves a request out of further steps, because its reader is too slow. It keeps its blocks as long as others
    /// can do without them, and ends when this takes longer than [`SchedulerConfig::slow_reader_timeout`].
    pub fn pause(&mut self, id: RequestId, now: Duration) {
        if let Some(sequence) = self.sequences.get_mut(&id) {
            sequence.paused.get_or_insert(now);
        }
    }

    /// Lets a paused request take part in steps again, once there is a place for it.
    pub fn resume(&mut self, id: RequestId) {
        if let Some(sequence) = self.sequences.get_mut(&id) {
            sequence.paused = None;
        }
    }

    /// Computes every sequence again from its ids, and forgets what the cache holds: the weights have changed.
    ///
    /// # Panics
    /// When a batch is under way.
    pub fn restart(&mut self) {
        assert!(!self.in_flight, "weights change between steps");
        let holding = self.sequences.values().filter(|sequence| sequence.state != State::Waiting);
        for id in holding.map(|sequence| sequence.request.id).collect::<Vec<_>>() {
            self.give_up_blocks(id);
        }
        self.cache.clear();
        self.debug_check();
    }

    /// Whether any request is left, running or waiting.
    #[must_use]
    pub fn has_work(&self) -> bool {
        !self.sequences.is_empty()
    }

    /// Prompt and generated ids of a request; none once it has ended.
    #[must_use]
    pub fn tokens(&self, id: RequestId) -> Option<&[TokenId]> {
        self.sequences.get(&id).map(|sequence| sequence.tokens.as_slice())
    }

    /// Plans the next step and takes the blocks it needs. Empty when nothing can run.
    ///
    /// # Panics
    /// When the previous batch has not been committed.
    pub fn schedule(&mut self, now: Duration) -> Batch {
        assert!(!self.in_flight, "one batch is under way at a time");
        self.expire(now);
        self.park();
        self.steps += 1;
        let plan = Plan::new(&View {
            config: &self.config,
            sequences: &self.sequences,
            cache: &self.cache,
            producers: &self.producers,
            prompt_share: self.prompt_share,
            now,
        });
        let batch = self.apply(plan);
        self.in_flight = !batch.steps.is_empty();
        self.debug_check();
        batch
    }

    /// Takes the results of a batch, one per step and in the same order.
    ///
    /// # Panics
    /// When there are more or fewer results than steps, or a result does not fit its step.
    pub fn commit(&mut self, batch: &Batch, results: Vec<StepResult>) {
        assert_eq!(batch.steps.len(), results.len(), "one result per step");
        self.in_flight = false;
        for block in std::mem::take(&mut self.pinned) {
            self.cache.release(block);
        }
        for (step, result) in batch.steps.iter().zip(results) {
            self.settle(step, result);
        }
        // Those that were cancelled under way and had no part in the batch.
        let cancelled =
            |(id, sequence): (&RequestId, &Sequence)| sequence.cancelled.map(|cause| (*id, cause));
        for (id, cause) in self.sequences.iter().filter_map(cancelled).collect::<Vec<_>>() {
            self.end(id, End::Abort(cause), Leftover::Shared);
        }
        self.debug_check();
    }

    /// What happened since the last call, in order.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// How many sequences and blocks there are in which state.
    #[must_use]
    pub fn stats(&self) -> SchedulerStats {
        let count = |state| self.sequences.values().filter(|sequence| sequence.state == state).count();
        let pool = self.cache.pool();
        SchedulerStats {
            running: count(State::Running),
            waiting: count(State::Waiting),
            paused: count(State::Parked),
            blocks: pool.total(),
            active_blocks: pool.active(),
            cached_blocks: pool.cached(),
            preemptions: self.preemptions,
            prefix_lookup_tokens: self.lookups.asked,
            prefix_hit_tokens: self.lookups.hit,
        }
    }

    /// Ends what has taken longer than it may.
    fn expire(&mut self, now: Duration) {
        let limit = self.config.slow_reader_timeout;
        let end = |sequence: &Sequence| {
            let slow = sequence.paused.is_some_and(|since| now.saturating_sub(since) >= limit);
            if sequence.expired(now) {
                Some(End::Error(EngineFault::Timeout))
            } else {
                slow.then_some(End::Abort(CancelCause::SlowReader))
            }
        };
        let ended = self.sequences.iter().filter_map(|(id, sequence)| Some((*id, end(sequence)?)));
        for (id, end) in ended.collect::<Vec<_>>() {
            self.end(id, end, Leftover::Shared);
        }
    }

    /// Takes paused sequences out of the batch.
    fn park(&mut self) {
        let pauses = |sequence: &&Sequence| sequence.state == State::Running && sequence.paused.is_some();
        let paused = self.sequences.values().filter(pauses).map(|sequence| sequence.request.id);
        for id in paused.collect::<Vec<_>>() {
            self.retract(id);
            self.sequence_mut(id).state = State::Parked;
        }
    }

    fn sequence_mut(&mut self, id: RequestId) -> &mut Sequence {
        self.sequences.get_mut(&id).expect("the caller has just seen it")
    }

    fn debug_check(&self) {
        debug_assert_eq!(self.problems(), Vec::<String>::new(), "the scheduler's invariants hold");
    }
}
