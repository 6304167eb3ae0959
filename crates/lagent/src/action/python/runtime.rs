//! What the two kinds of Python process have in common.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Mutex, MutexGuard, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

use internlm_kit::stop::Stop;

use super::cell::{Cell, CellEnd};

/// How long a process may take to start.
pub(super) const START: Duration = Duration::from_secs(60);
/// How long code may take to end after an interrupt, before it is killed.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);
/// Between two looks at whether the call was cancelled.
const LOOK: Duration = Duration::from_millis(10);

/// How long a piece of code may run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowance<'a> {
    pub(super) timeout: Duration,
    /// Requested when the call is cancelled.
    pub(super) stop: Option<&'a Stop>,
}

impl Allowance<'_> {
    /// Whether nobody wants the result any more.
    pub(super) fn is_cancelled(&self) -> bool {
        self.stop.is_some_and(Stop::is_requested)
    }

    /// Locks what another call may be using for long; nothing once this call is cancelled.
    pub(super) fn lock<'m, T>(&self, mutex: &'m Mutex<T>) -> Option<MutexGuard<'m, T>> {
        while !self.is_cancelled() {
            match mutex.try_lock() {
                Ok(locked) => return Some(locked),
                Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) => thread::sleep(LOOK),
            }
        }
        None
    }

    /// Receives what a process sends before `deadline`. A cancelled call has no time left.
    pub(super) fn receive<T>(
        &self,
        received: &Receiver<T>,
        deadline: Instant,
    ) -> Result<T, RecvTimeoutError> {
        while !self.is_cancelled() {
            let left = deadline.saturating_duration_since(Instant::now());
            match received.recv_timeout(left.min(LOOK)) {
                Err(RecvTimeoutError::Timeout) if left > LOOK => {}
                other => return other,
            }
        }
        Err(RecvTimeoutError::Timeout)
    }

    /// Why code was interrupted when its time was over.
    pub(super) fn end(&self) -> CellEnd {
        if self.is_cancelled() { CellEnd::Cancelled } else { CellEnd::Interrupted(self.timeout) }
    }
}

/// A Python process that keeps its variables from one piece of code to the next.
pub(super) trait Runtime: Send + std::fmt::Debug {
    /// Runs a piece of code: an interrupt when its time is over, and the end of the process if that does not help.
    fn execute(&mut self, code: &str, allowance: Allowance<'_>) -> Cell;

    /// Whether the process is still there.
    fn is_alive(&self) -> bool;
}
