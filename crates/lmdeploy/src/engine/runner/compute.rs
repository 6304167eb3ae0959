//! One step of the executor, and next to it the work that does not need its logits.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant};

use super::panic_message::panic_message;
use super::{Active, Batch, Executor, Logits, RequestId, Runner};
use crate::engine::ExecuteError;

impl Runner {
    /// Computes a batch, and the masks of its grammars meanwhile; gives the logits and the time that the masks took.
    ///
    /// A panic is an error like any other: it fails the batch and not the engine.
    pub(super) fn execute(&mut self, batch: &Batch) -> (Result<Logits, ExecuteError>, Duration) {
        let executor = &mut self.executor;
        let samples = |id: RequestId| batch.steps.iter().any(|step| step.id == id && step.rows() > 0);
        let prepared: Vec<&mut Active> = self
            .active
            .iter_mut()
            .filter(|(id, active)| active.prepares() && samples(**id))
            .map(|(_, active)| active)
            .collect();
        let (logits, masks) = if prepared.is_empty() {
            (compute(executor.as_mut(), batch), Ok(Duration::ZERO))
        } else {
            std::thread::scope(|scope| {
                let masks = scope.spawn(move || prepare(prepared));
                (compute(executor.as_mut(), batch), masks_of(masks))
            })
        };
        match masks {
            Ok(time) => (logits.and_then(|logits| check(logits, batch)), time),
            Err(error) => (logits.and(Err(error)), Duration::ZERO),
        }
    }
}

/// Prepares every sequence; gives the time that it took.
fn prepare(prepared: Vec<&mut Active>) -> Duration {
    let begun = Instant::now();
    for active in prepared {
        active.prepare();
    }
    begun.elapsed()
}

fn masks_of(thread: ScopedJoinHandle<'_, Duration>) -> Result<Duration, ExecuteError> {
    thread.join().map_err(|panic| panicked(panic.as_ref()))
}

fn compute(executor: &mut dyn Executor, batch: &Batch) -> Result<Logits, ExecuteError> {
    guarded(|| executor.step(batch))
}

/// What `work` gives; a panic in it is an error.
pub(super) fn guarded<T>(work: impl FnOnce() -> Result<T, ExecuteError>) -> Result<T, ExecuteError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(panicked(panic.as_ref())))
}

/// Checks that logits and hidden states are what the batch wants.
fn check(logits: Logits, batch: &Batch) -> Result<Logits, ExecuteError> {
    let (found, expected) = (logits.len(), batch.row_count());
    if found != expected {
        return Err(ExecuteError::Rows { found, expected });
    }
    let (found, expected) = (logits.hidden_len(), batch.hidden_row_count());
    if found != expected {
        return Err(ExecuteError::HiddenRows { found, expected });
    }
    if !logits.serves(batch.detail) {
        return Err(ExecuteError::PartialRows);
    }
    Ok(logits)
}

fn panicked(panic: &(dyn Any + Send)) -> ExecuteError {
    ExecuteError::Panicked { message: panic_message(panic) }
}
