//! [`Command`] and [`Shared`]: what other threads tell the engine thread, and what they can read without asking it.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use internlm_kit::rng::CounterRng;

use super::mailbox::Mailbox;
use super::{CancelCause, Capacity, Gauges, GenerateRequest, RequestId, SchedulerConfig};

/// What the engine thread is told.
#[derive(Debug)]
pub(super) enum Command {
    /// Run a new request.
    Submit { id: RequestId, request: Box<GenerateRequest>, mailbox: Mailbox },
    /// End a request before its time.
    Cancel { id: RequestId, cause: CancelCause },
    /// End every request before its time.
    CancelAll { cause: CancelCause },
    /// The reader has taken what had piled up.
    Resume { id: RequestId },
    /// Take no more requests; end when the last one has ended.
    Drain,
    /// End everything now.
    Stop,
}

/// What the handles and the engine thread share. Only numbers: nothing in it makes anyone wait for longer than it takes
/// to look one up.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) gauges: Gauges,
    pub(super) capacity: Capacity,
    pub(super) limits: SchedulerConfig,
    /// Requests that were sent and that the engine thread has not seen yet.
    inbox: AtomicUsize,
    /// Requests that were sent and have not ended.
    living: Mutex<BTreeSet<RequestId>>,
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
            living: Mutex::default(),
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

    /// Notes that a request is on its way to the engine thread.
    pub(super) fn sent(&self, id: RequestId) {
        self.inbox.fetch_add(1, Ordering::Relaxed);
        self.living().insert(id);
    }

    /// Notes that a request has ended.
    pub(super) fn ended(&self, id: RequestId) {
        self.living().remove(&id);
    }

    /// Notes that no request is left, because the engine thread has ended.
    pub(super) fn all_ended(&self) {
        self.living().clear();
    }

    /// Whether a request was sent and has not ended.
    pub(super) fn lives(&self, id: RequestId) -> bool {
        self.living().contains(&id)
    }

    /// A panic elsewhere leaves the set whole: every change is one insertion or removal.
    fn living(&self) -> MutexGuard<'_, BTreeSet<RequestId>> {
        self.living.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn count_received(&self) {
        self.inbox.fetch_sub(1, Ordering::Relaxed);
    }
}
