//! [`Scheduler`]: continuous batching with chunked prefill over a bounded cache, as a pure state machine.
//!
//! There are no prefill and decode phases: a sequence has known and computed tokens, and a step gives it up to
//! `known - computed` of them (Agrawal et al., "Sarathi-Serve", 2024; upstream's
//! `lmdeploy/pytorch/paging/scheduler.py`). Time is an argument; randomness and tensors are elsewhere.

use std::collections::BTreeMap;
use std::time::Duration;

use super::plan::Plan;
use super::sequence::{Sequence, State};
use super::{
    Batch, CancelCause, End, EngineFault, Event, LogitsDetail, LogitsWanted, Rejected, Request, RequestId,
    SchedulerConfig, SchedulerStats, StepResult, StopCause,
};
use crate::cache::{BlockId, BlockPool};

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
/// assert_eq!(scheduler.take_events().len(), 3); // two tokens and an end
/// assert_eq!(scheduler.stats().active_blocks, 0);
/// ```
#[derive(Clone, Debug)]
pub struct Scheduler {
    config: SchedulerConfig,
    pool: BlockPool,
    sequences: BTreeMap<RequestId, Sequence>,
    events: Vec<Event>,
    steps: u64,
    preemptions: u64,
    /// Whether a batch is under way.
    in_flight: bool,
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
        assert!(config.max_length <= config.blocks * config.block_tokens, "the longest sequence fits");
        let pool = BlockPool::new(config.blocks);
        let (sequences, events) = (BTreeMap::new(), Vec::new());
        Self { config, pool, sequences, events, steps: 0, preemptions: 0, in_flight: false }
    }

    /// The limits that it was made with.
    #[must_use]
    pub fn config(&self) -> &SchedulerConfig {
        &self.config
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
        let old = self.sequences.insert(request.id, Sequence::new(request, now));
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
            self.end(id, End::Abort(cause));
        }
    }

    /// Ends every request, running or waiting.
    pub fn cancel_all(&mut self, cause: CancelCause) {
        let ids: Vec<RequestId> = self.sequences.keys().copied().collect();
        for id in ids {
            self.cancel(id, cause);
        }
    }

    /// Whether any request is left, running or waiting.
    #[must_use]
    pub fn has_work(&self) -> bool {
        !self.sequences.is_empty()
    }

    /// Prompt and generated ids of a request; none once it has ended.
    #[must_use]
    pub fn tokens(&self, id: RequestId) -> Option<&[internlm_model::TokenId]> {
        self.sequences.get(&id).map(|sequence| sequence.tokens.as_slice())
    }

    /// Plans the next step and takes the blocks it needs. Empty when nothing can run.
    ///
    /// # Panics
    /// When the previous batch has not been committed.
    pub fn schedule(&mut self, now: Duration) -> Batch {
        assert!(!self.in_flight, "one batch is under way at a time");
        let expired = self.sequences.values().filter(|sequence| sequence.expired(now));
        for id in expired.map(|sequence| sequence.request.id).collect::<Vec<_>>() {
            self.end(id, End::Error(EngineFault::Timeout));
        }
        self.steps += 1;
        let plan = Plan::new(&self.config, &self.sequences, self.pool.free(), now);
        for id in &plan.preempted {
            self.preempt(*id);
        }
        let mut batch = Batch { steps: Vec::with_capacity(plan.parts.len()), detail: LogitsDetail::Top(1) };
        for (id, tokens) in plan.parts {
            let sequence = self.sequences.get_mut(&id).expect("plans are made of known sequences");
            let missing = sequence.blocks_for(tokens, self.config.block_tokens);
            let blocks = self.pool.allocate(missing).expect("plans only count on free blocks");
            sequence.blocks.extend(blocks);
            sequence.state = State::Running;
            sequence.last_step = self.steps;
            let step = sequence.step(tokens);
            if step.logits != LogitsWanted::None {
                batch.detail = batch.detail.max(sequence.request.detail);
            }
            batch.steps.push(step);
        }
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
        let cancelled =
            |(id, sequence): (&RequestId, &Sequence)| sequence.cancelled.map(|cause| (*id, cause));
        for (id, cause) in self.sequences.iter().filter_map(cancelled).collect::<Vec<_>>() {
            self.end(id, End::Abort(cause));
        }
        for (step, result) in batch.steps.iter().zip(results) {
            // Gone when it was cancelled under way.
            let Some(sequence) = self.sequences.get_mut(&step.id) else { continue };
            sequence.advance(step.tokens.len());
            match result {
                StepResult::Failed(message) => self.end(step.id, End::Error(EngineFault::Execution(message))),
                StepResult::Computed => self.computed(step.id),
                StepResult::Sampled(token) => self.append(step.id, token, None),
                StepResult::Stopped(token) => self.append(step.id, token, Some(End::Stop(StopCause::Text))),
            }
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
        let running = self.sequences.values().filter(|sequence| sequence.state == State::Running).count();
        SchedulerStats {
            running,
            waiting: self.sequences.len() - running,
            blocks: self.pool.total(),
            active_blocks: self.pool.active(),
            preemptions: self.preemptions,
        }
    }

    /// Every broken invariant; empty when all hold. For tests, because it visits every block.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = self.pool.problems();
        let mut holders = vec![0_u32; self.pool.total()];
        for (id, sequence) in &self.sequences {
            let covered = sequence.computed.div_ceil(self.config.block_tokens);
            let blocks = sequence.blocks.len();
            let fits = match (sequence.state, self.in_flight) {
                (State::Waiting, _) => blocks == 0 && sequence.computed == 0,
                (State::Running, false) => blocks == covered,
                (State::Running, true) => blocks >= covered,
            };
            if !fits {
                problems.push(format!("{id:?}: {:?}, {blocks} blocks, {covered} needed", sequence.state));
            }
            for block in &sequence.blocks {
                holders[block.index()] += 1;
            }
        }
        for (index, holders) in holders.into_iter().enumerate() {
            let held = self.pool.is_held(BlockId(index as u32));
            if holders != u32::from(held) {
                problems.push(format!("block {index}: held is {held}, {holders} sequences have it"));
            }
        }
        problems
    }

    /// A part that gave no id: more of the prompt follows, or the prompt was only to be scored.
    fn computed(&mut self, id: RequestId) {
        let sequence = &self.sequences[&id];
        if sequence.missing() == 0 {
            assert_eq!(sequence.request.max_new, 0, "a computed sequence gets its next id");
            self.end(id, End::Length);
        }
    }

    fn append(&mut self, id: RequestId, token: internlm_model::TokenId, stopped: Option<End>) {
        let sequence = self.sequences.get_mut(&id).expect("the caller has just seen it");
        assert_eq!(sequence.missing(), 0, "an id is sampled after the last known one");
        let end = sequence.append(token, self.config.max_length);
        self.events.push(Event::Token { id, token });
        // A stop id wins over a stop string, which wins over a limit.
        let end = match (end, stopped) {
            (Some(End::Length) | None, Some(stopped)) => Some(stopped),
            (end, _) => end,
        };
        if let Some(end) = end {
            self.end(id, end);
        }
    }

    fn end(&mut self, id: RequestId, end: End) {
        let sequence = self.sequences.remove(&id).expect("a request ends once");
        for block in sequence.blocks {
            self.pool.release(block);
        }
        self.events.push(Event::End { id, end });
    }

    /// Gives up a sequence's blocks; it is computed again later from its ids.
    fn preempt(&mut self, id: RequestId) {
        let sequence = self.sequences.get_mut(&id).expect("plans are made of known sequences");
        for block in sequence.blocks.drain(..) {
            self.pool.release(block);
        }
        sequence.computed = 0;
        sequence.state = State::Waiting;
        self.preemptions += 1;
    }

    fn debug_check(&self) {
        debug_assert_eq!(self.problems(), Vec::<String>::new(), "the scheduler's invariants hold");
    }
}
