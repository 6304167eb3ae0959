//! [`Command`] and [`Shared`]: what other threads tell the engine thread, and what they can read without asking it.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use internlm_kit::rng::CounterRng;

use super::mailbox::Mailbox;
use super::{
    CancelCause, Capacity, ExecuteError, Executor, Gauges, GenerateRequest, RequestId, SchedulerConfig,
    SleepLevel, SleepPart, WeightLoader,
};

/// Where the engine thread says what came of a command. Dropping it says that the engine has ended.
pub(super) type Reply = SyncSender<Result<(), RestError>>;

/// Why the engine does not sleep, wake or compute with other weights.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum RestError {
    /// Somebody has asked to wake while requests were still running.
    #[error("the engine was woken before it slept")]
    Woken,
    /// The executor did not do it.
    #[error(transparent)]
    Executor(#[from] ExecuteError),
}

/// What the engine thread is told.
pub(super) enum Command {
    /// Run a new request.
    Submit { id: RequestId, request: Box<GenerateRequest>, mailbox: Mailbox },
    /// End a request before its time.
    Cancel { id: RequestId, cause: CancelCause },
    /// End every request before its time.
    CancelAll { cause: CancelCause },
    /// The reader has taken what had piled up.
    Resume { id: RequestId },
    /// Take no more requests; sleep when the last one has ended.
    Sleep { level: SleepLevel, reply: Reply },
    /// Wake these parts.
    Wake { parts: Vec<SleepPart>, reply: Reply },
    /// Compute with this executor from now on, whose cache is asleep.
    Replace { executor: Box<dyn Executor>, reply: Reply },
    /// Take no more requests; end when the last one has ended.
    Drain,
    /// End everything now.
    Stop,
}

/// What the handles and the engine thread share. Nothing in it makes the engine thread wait for longer than it takes to
/// look up a number.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) gauges: Gauges,
    pub(super) capacity: Capacity,
    /// Number of values of a row of hidden states, when the executor gives such rows.
    pub(super) hidden_size: Option<usize>,
    /// What loads other weights, when the executor has such a thing.
    pub(super) loader: Option<Arc<dyn WeightLoader>>,
    /// Held while somebody loads other weights: twice the memory is enough.
    pub(super) loading: Mutex<()>,
    pub(super) limits: SchedulerConfig,
    /// Requests that were sent and that the engine thread has not seen yet.
    inbox: AtomicUsize,
    /// Requests that were sent and have not ended.
    living: Mutex<BTreeSet<RequestId>>,
    next_id: AtomicU64,
    seeds: CounterRng,
}

impl Shared {
    pub(super) fn new(executor: &dyn Executor, limits: SchedulerConfig, seed: u64) -> Self {
        Self {
            gauges: Gauges::new(),
            capacity: executor.capacity(),
            hidden_size: executor.hidden_size(),
            loader: executor.loader(),
            loading: Mutex::default(),
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
