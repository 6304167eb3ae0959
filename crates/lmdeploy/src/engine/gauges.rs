//! [`Gauges`]: live numbers of the engine, read by other threads without stopping it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::{CancelCause, End, SchedulerStats, StopCause};

/// Number of failed steps in a row that make the engine unhealthy.
const FAILED_STEPS: u64 = 3;
/// An engine that has work and has not taken a step for this long is unhealthy.
const STALLED: Duration = Duration::from_secs(90);

/// Live numbers of an engine. All accesses are relaxed: the numbers are for people, not for synchronization.
#[derive(Debug)]
pub struct Gauges {
    started: Instant,
    /// When the engine last took a step, in milliseconds since its start.
    moved: AtomicU64,
    /// Whether the engine thread has ended.
    ended: AtomicBool,
    running: AtomicU64,
    waiting: AtomicU64,
    blocks: AtomicU64,
    active_blocks: AtomicU64,
    preemptions: AtomicU64,
    failed_in_row: AtomicU64,
    prompt_tokens: AtomicU64,
    generated_tokens: AtomicU64,
    rejected: AtomicU64,
    ends: [AtomicU64; ENDS.len()],
}

/// Kinds of ends, in the order in which [`Gauges::ends`] lists them.
const ENDS: [&str; 6] = ["stop", "stop_string", "length", "abort", "shutdown", "error"];

/// Whether the engine works, as `/health` reports it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Health {
    /// It takes steps, or has nothing to do.
    Healthy,
    /// It has ended, fails or stalls, for the reason given.
    Unhealthy(String),
}

impl Gauges {
    pub(super) fn new() -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            started: Instant::now(),
            moved: zero(),
            ended: AtomicBool::new(false),
            running: zero(),
            waiting: zero(),
            blocks: zero(),
            active_blocks: zero(),
            preemptions: zero(),
            failed_in_row: zero(),
            prompt_tokens: zero(),
            generated_tokens: zero(),
            rejected: zero(),
            ends: [const { AtomicU64::new(0) }; ENDS.len()],
        }
    }

    /// Sequences and blocks after the last step.
    #[must_use]
    pub fn stats(&self) -> SchedulerStats {
        let read = |value: &AtomicU64| value.load(Ordering::Relaxed) as usize;
        SchedulerStats {
            running: read(&self.running),
            waiting: read(&self.waiting),
            blocks: read(&self.blocks),
            active_blocks: read(&self.active_blocks),
            preemptions: self.preemptions.load(Ordering::Relaxed),
        }
    }

    /// Number of prompt ids in all ended requests.
    #[must_use]
    pub fn prompt_tokens(&self) -> u64 {
        self.prompt_tokens.load(Ordering::Relaxed)
    }

    /// Number of ids that all ended requests have generated.
    #[must_use]
    pub fn generated_tokens(&self) -> u64 {
        self.generated_tokens.load(Ordering::Relaxed)
    }

    /// Number of requests that were refused, for whatever reason.
    #[must_use]
    pub fn rejected(&self) -> u64 {
        self.rejected.load(Ordering::Relaxed)
    }

    /// Number of ended requests by the kind of their end.
    #[must_use]
    pub fn ends(&self) -> Vec<(&'static str, u64)> {
        ENDS.into_iter().zip(self.ends.iter().map(|count| count.load(Ordering::Relaxed))).collect()
    }

    /// Whether the engine works: three failed steps in a row, or 90 s without a step, make it unhealthy.
    #[must_use]
    pub fn health(&self) -> Health {
        if self.ended.load(Ordering::Relaxed) {
            return Health::Unhealthy("the engine thread has ended".to_owned());
        }
        let failed = self.failed_in_row.load(Ordering::Relaxed);
        if failed >= FAILED_STEPS {
            return Health::Unhealthy(format!("the last {failed} steps failed"));
        }
        let stats = self.stats();
        let moved = Duration::from_millis(self.moved.load(Ordering::Relaxed));
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
        write(&self.blocks, stats.blocks);
        write(&self.active_blocks, stats.active_blocks);
        self.preemptions.store(stats.preemptions, Ordering::Relaxed);
        self.moved.store(self.now().as_millis() as u64, Ordering::Relaxed);
    }

    pub(super) fn set_ended(&self) {
        self.ended.store(true, Ordering::Relaxed);
    }

    pub(super) fn step_succeeded(&self) {
        self.failed_in_row.store(0, Ordering::Relaxed);
    }

    pub(super) fn step_failed(&self) {
        self.failed_in_row.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_rejected(&self) {
        self.rejected.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_end(&self, end: &End, prompt: usize, generated: usize) {
        self.prompt_tokens.fetch_add(prompt as u64, Ordering::Relaxed);
        self.generated_tokens.fetch_add(generated as u64, Ordering::Relaxed);
        let kind = match end {
            End::Stop(StopCause::Id(_)) => 0,
            End::Stop(StopCause::Text) => 1,
            End::Length => 2,
            End::Abort(CancelCause::Disconnect) => 3,
            End::Abort(CancelCause::Shutdown) => 4,
            End::Error(_) => 5,
        };
        self.ends[kind].fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::EngineFault;

    fn busy() -> SchedulerStats {
        SchedulerStats { running: 1, waiting: 2, blocks: 9, active_blocks: 4, preemptions: 3 }
    }

    #[test]
    fn what_the_engine_writes_is_what_others_read() {
        let gauges = Gauges::new();
        gauges.set(busy());
        assert_eq!(gauges.stats(), busy());
        gauges.count_end(&End::Length, 5, 6);
        gauges.count_end(&End::Error(EngineFault::Timeout), 1, 2);
        gauges.count_end(&End::Stop(StopCause::Text), 0, 1);
        gauges.count_rejected();
        assert_eq!((gauges.prompt_tokens(), gauges.generated_tokens(), gauges.rejected()), (6, 9, 1));
        let expected =
            [("stop", 0), ("stop_string", 1), ("length", 1), ("abort", 0), ("shutdown", 0), ("error", 1)];
        assert_eq!(gauges.ends(), expected);
    }

    #[test]
    fn failures_in_a_row_and_the_end_of_the_thread_are_unhealthy() {
        let gauges = Gauges::new();
        gauges.set(busy());
        for _ in 1..FAILED_STEPS {
            gauges.step_failed();
        }
        assert_eq!(gauges.health(), Health::Healthy);
        gauges.step_failed();
        assert_eq!(gauges.health(), Health::Unhealthy("the last 3 steps failed".to_owned()));
        gauges.step_succeeded();
        assert_eq!(gauges.health(), Health::Healthy);
        gauges.set_ended();
        assert_eq!(gauges.health(), Health::Unhealthy("the engine thread has ended".to_owned()));
    }

    #[test]
    fn work_that_does_not_move_is_unhealthy_and_idleness_is_not() {
        let long_ago = Instant::now().checked_sub(2 * STALLED).expect("the clock is older than that");
        let gauges = Gauges { started: long_ago, ..Gauges::new() };
        assert_eq!(gauges.health(), Health::Healthy, "nothing to do");
        gauges.running.store(1, Ordering::Relaxed);
        let Health::Unhealthy(message) = gauges.health() else { panic!("it stalls") };
        assert!(message.starts_with("no step for 180 s"), "{message}");
        gauges.set(busy());
        assert_eq!(gauges.health(), Health::Healthy, "it has just moved");
    }
}
