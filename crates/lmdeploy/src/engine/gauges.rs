//! [`Gauges`]: live numbers of the engine, read by other threads without stopping it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::{CancelCause, End, HistogramSnapshot, Rejected, SchedulerStats, SleepPart, StopCause};

mod histograms;
mod measured;
mod rest;

use histograms::Histograms;
pub(super) use measured::{Ended, StepTimes};
pub(super) use rest::RestState;

/// Number of failed steps in a row that make the engine unhealthy.
const FAILED_STEPS: u64 = 3;
/// An engine that has work and has not taken a step for this long is unhealthy.
const STALLED: Duration = Duration::from_secs(90);

/// Live numbers of an engine. All accesses are relaxed: the numbers are for people, not for synchronization. What is said
/// of its sleep is whole at any time.
#[derive(Debug)]
pub struct Gauges {
    started: Instant,
    /// When the engine last took a step, in milliseconds since its start.
    moved: AtomicU64,
    /// Whether the engine thread has ended.
    ended: AtomicBool,
    rest: Mutex<RestState>,
    running: AtomicU64,
    waiting: AtomicU64,
    paused: AtomicU64,
    blocks: AtomicU64,
    active_blocks: AtomicU64,
    cached_blocks: AtomicU64,
    prefix_lookup_tokens: AtomicU64,
    prefix_hit_tokens: AtomicU64,
    preemptions: AtomicU64,
    failed_in_row: AtomicU64,
    prompt_tokens: AtomicU64,
    generated_tokens: AtomicU64,
    cached_tokens: AtomicU64,
    rejected: [AtomicU64; REJECTIONS.len()],
    ends: [AtomicU64; ENDS.len()],
    histograms: Histograms,
}

/// Kinds of ends, in the order in which [`Gauges::ends`] lists them.
const ENDS: [&str; 7] = ["stop", "stop_string", "length", "abort", "shutdown", "slow_reader", "error"];
/// Reasons of refusals, in the order in which [`Gauges::rejections`] lists them.
const REJECTIONS: [&str; 5] = ["queue_full", "too_long", "invalid", "draining", "sleeping"];

/// Whether the engine works, as `/health` reports it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Health {
    /// It takes steps, or has nothing to do.
    Healthy,
    /// It takes no requests because its memory was asked back: what is released, and why it stays so if it should not.
    Sleeping(String),
    /// It has ended, fails or stalls, for the reason given.
    Unhealthy(String),
}

fn zeros<const N: usize>() -> [AtomicU64; N] {
    [const { AtomicU64::new(0) }; N]
}

fn read(value: &AtomicU64) -> u64 {
    value.load(Ordering::Relaxed)
}

fn add(value: &AtomicU64, more: usize) {
    value.fetch_add(more as u64, Ordering::Relaxed);
}

fn named<const N: usize>(names: [&'static str; N], counts: &[AtomicU64; N]) -> Vec<(&'static str, u64)> {
    names.into_iter().zip(counts.iter().map(read)).collect()
}

impl Gauges {
    pub(super) fn new() -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            started: Instant::now(),
            moved: zero(),
            ended: AtomicBool::new(false),
            rest: Mutex::default(),
            running: zero(),
            waiting: zero(),
            paused: zero(),
            blocks: zero(),
            active_blocks: zero(),
            cached_blocks: zero(),
            prefix_lookup_tokens: zero(),
            prefix_hit_tokens: zero(),
            preemptions: zero(),
            failed_in_row: zero(),
            prompt_tokens: zero(),
            generated_tokens: zero(),
            cached_tokens: zero(),
            rejected: zeros(),
            ends: zeros(),
            histograms: Histograms::new(),
        }
    }

    /// Sequences and blocks after the last step.
    #[must_use]
    pub fn stats(&self) -> SchedulerStats {
        let size = |value: &AtomicU64| read(value) as usize;
        SchedulerStats {
            running: size(&self.running),
            waiting: size(&self.waiting),
            paused: size(&self.paused),
            blocks: size(&self.blocks),
            active_blocks: size(&self.active_blocks),
            cached_blocks: size(&self.cached_blocks),
            prefix_lookup_tokens: read(&self.prefix_lookup_tokens),
            prefix_hit_tokens: read(&self.prefix_hit_tokens),
            preemptions: read(&self.preemptions),
        }
    }

    /// Number of ids in the prompts of all requests that have generated something or ended.
    #[must_use]
    pub fn prompt_tokens(&self) -> u64 {
        read(&self.prompt_tokens)
    }

    /// Number of ids that have been generated so far.
    #[must_use]
    pub fn generated_tokens(&self) -> u64 {
        read(&self.generated_tokens)
    }

    /// How many of the [prompt ids](Gauges::prompt_tokens) came from the prefix cache.
    #[must_use]
    pub fn cached_tokens(&self) -> u64 {
        read(&self.cached_tokens)
    }

    /// Number of requests that were refused, for whatever reason.
    #[must_use]
    pub fn rejected(&self) -> u64 {
        self.rejected.iter().map(read).sum()
    }

    /// Number of refused requests by the reason of the refusal.
    #[must_use]
    pub fn rejections(&self) -> Vec<(&'static str, u64)> {
        named(REJECTIONS, &self.rejected)
    }

    /// Number of ended requests by the kind of their end.
    #[must_use]
    pub fn ends(&self) -> Vec<(&'static str, u64)> {
        named(ENDS, &self.ends)
    }

    /// Distributions over requests and steps: name, meaning, counts.
    #[must_use]
    pub fn histograms(&self) -> Vec<(&'static str, &'static str, HistogramSnapshot)> {
        self.histograms.snapshots()
    }

    /// What is released while the engine sleeps, in the order of waking; nothing while it is awake.
    #[must_use]
    pub fn asleep(&self) -> Vec<SleepPart> {
        self.rest().asleep.clone()
    }

    /// Whether the engine works: three failed steps in a row, or 90 s without a step, make it unhealthy.
    #[must_use]
    pub fn health(&self) -> Health {
        if self.ended.load(Ordering::Relaxed) {
            return Health::Unhealthy("the engine thread has ended".to_owned());
        }
        if let Some(message) = self.rest().message() {
            return Health::Sleeping(message);
        }
        let failed = read(&self.failed_in_row);
        if failed >= FAILED_STEPS {
            return Health::Unhealthy(format!("the last {failed} steps failed"));
        }
        let stats = self.stats();
        let moved = Duration::from_millis(read(&self.moved));
        let still = self.started.elapsed().saturating_sub(moved);
        if stats.running + stats.waiting > 0 && still > STALLED {
            return Health::Unhealthy(format!("no step for {} s with work pending", still.as_secs()));
        }
        Health::Healthy
    }

    /// Time since the engine's start.
    pub(super) fn now(&self) -> Duration {
        self.started.elapsed()
    }

    pub(super) fn set(&self, stats: SchedulerStats) {
        let write = |value: &AtomicU64, number: usize| value.store(number as u64, Ordering::Relaxed);
        write(&self.running, stats.running);
        write(&self.waiting, stats.waiting);
        write(&self.paused, stats.paused);
        write(&self.blocks, stats.blocks);
        write(&self.active_blocks, stats.active_blocks);
        write(&self.cached_blocks, stats.cached_blocks);
        self.prefix_lookup_tokens.store(stats.prefix_lookup_tokens, Ordering::Relaxed);
        self.prefix_hit_tokens.store(stats.prefix_hit_tokens, Ordering::Relaxed);
        self.preemptions.store(stats.preemptions, Ordering::Relaxed);
        self.moved.store(self.now().as_millis() as u64, Ordering::Relaxed);
    }

    /// Whether new requests are refused, because the engine sleeps or will do so.
    pub(super) fn rests(&self) -> bool {
        self.rest().refuses
    }

    pub(super) fn set_rest(&self, state: RestState) {
        *self.rest() = state;
    }

    /// A panic elsewhere leaves the state whole: every change is one assignment.
    fn rest(&self) -> MutexGuard<'_, RestState> {
        self.rest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_ended(&self) {
        self.ended.store(true, Ordering::Relaxed);
    }

    pub(super) fn step_succeeded(&self) {
        self.failed_in_row.store(0, Ordering::Relaxed);
    }

    pub(super) fn step_failed(&self) {
        add(&self.failed_in_row, 1);
    }

    /// Counts a step that was computed, whether it succeeded or not.
    pub(super) fn step(&self, times: &StepTimes) {
        self.histograms.step(times);
    }

    /// Counts a prompt that is computed, or will never be, and how many of its tokens were cached.
    pub(super) fn count_prompt(&self, tokens: usize, cached: usize) {
        add(&self.prompt_tokens, tokens);
        add(&self.cached_tokens, cached);
    }

    /// Counts the first token of a request, which came this long after the submission.
    pub(super) fn first_token(&self, after: Duration) {
        add(&self.generated_tokens, 1);
        self.histograms.time_to_first_token.observe(after.as_secs_f64());
    }

    /// Counts a further token of a request, which came this long after the one before.
    pub(super) fn next_token(&self, after: Duration) {
        add(&self.generated_tokens, 1);
        self.histograms.iter_token_latency.observe(after.as_secs_f64());
    }

    pub(super) fn count_rejected(&self, rejected: &Rejected) {
        let reason = match rejected {
            Rejected::QueueFull { .. } => 0,
            Rejected::TooLong { .. } => 1,
            Rejected::Draining => 3,
            Rejected::Sleeping => 4,
            // An empty prompt, an unknown id.
            _ => 2,
        };
        add(&self.rejected[reason], 1);
    }

    /// Counts a request that has ended. Its tokens have been counted when they came.
    pub(super) fn ended(&self, end: &End, life: &Ended) {
        self.histograms.request(life);
        let kind = match end {
            End::Stop(StopCause::Text) => 1,
            End::Stop(_) => 0,
            End::Length => 2,
            End::Abort(CancelCause::Disconnect | CancelCause::Api) => 3,
            End::Abort(CancelCause::Shutdown) => 4,
            End::Abort(CancelCause::SlowReader) => 5,
            End::Error(_) => 6,
        };
        add(&self.ends[kind], 1);
    }
}

#[cfg(test)]
mod tests;
