//! [`Command`] and [`Shared`]: what other threads tell the engine thread, and what they can read without asking it.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use internlm_kit::rng::CounterRng;

use super::mailbox::Mailbox;
use super::{CancelCause, Capacity, Gauges, GenerateRequest, RequestId, SchedulerConfig};

/// What the engine thread is told.
#[derive(Debug)]
pub(super) enum Command {
    /// Run a new request.
    Submit { id: RequestId, request: Box<GenerateRequest>, mailbox: Mailbox },
    /// End a request that nobody reads any more.
    Cancel { id: RequestId, cause: CancelCause },
    /// Take no more requests; end when the last one has ended.
    Drain,
    /// End everything now.
    Stop,
}

/// What the handles and the engine thread share. Only numbers: nothing in it makes anyone wait.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) gauges: Gauges,
    pub(super) capacity: Capacity,
    pub(super) limits: SchedulerConfig,
    /// Requests that were sent and that the engine thread has not seen yet.
    inbox: AtomicUsize,
    next_id: AtomicU64,
    seeds: CounterRng,
}

impl Shared {
    pub(super) fn new(capacity: Capacity, limits: SchedulerConfig, seed: u64) -> Self {
        Self {
            gauges: Gauges::new(),
            capacity,
            limits,
            inbox: AtomicUsize::new(0),
            next_id: AtomicU64::new(0),
            seeds: CounterRng::new(seed, "request seeds"),
        }
    }

    /// A number that is used once: the name of a request, or the place of a seed in the sequence of seeds.
    pub(super) fn next_number(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// The next seed of the sequence that the base seed gives.
    pub(super) fn next_seed(&self) -> u64 {
        self.seeds.u64(self.next_number())
    }

    /// Requests in the inbox, when they are as many as can ever run or wait.
    pub(super) fn full_inbox(&self) -> Option<usize> {
        let waiting = self.inbox.load(Ordering::Relaxed);
        (waiting >= self.limits.max_requests()).then_some(waiting)
    }

    pub(super) fn count_sent(&self) {
        self.inbox.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_received(&self) {
        self.inbox.fetch_sub(1, Ordering::Relaxed);
    }
}
