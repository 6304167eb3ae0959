//! Rows are packed by a helper thread while the previous step computes.

use std::ops::Range;
use std::sync::mpsc;
use std::thread;

use super::{Row, RowSource};
use crate::{Error, Result};

/// Batches packed ahead of the step that consumes them.
const AHEAD: usize = 2;

/// Runs `body` with a function that gives the batches of `steps` one after the other.
///
/// What was packed ahead is never saved: a batch is a pure function of its step.
pub fn with_prefetch<T>(
    source: &mut dyn RowSource,
    steps: Range<u64>,
    body: impl FnOnce(&mut dyn FnMut() -> Result<Vec<Row>>) -> T,
) -> T {
    thread::scope(|scope| {
        let (sender, receiver) = mpsc::sync_channel(AHEAD);
        scope.spawn(move || {
            for step in steps {
                let batch = source.batch(step);
                let failed = batch.is_err();
                // A closed channel means that the run stopped early: nothing left to do.
                if sender.send(batch).is_err() || failed {
                    break;
                }
            }
        });
        let result = body(&mut || receiver.recv().unwrap_or(Err(Error::Thread { name: "loader" })));
        drop(receiver);
        result
    })
}
