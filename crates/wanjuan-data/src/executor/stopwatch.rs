//! [`timed`]: one log line per step of a run.

use std::time::Instant;

use crate::Result;

/// Does `work` and logs `name` with its wall-clock seconds and the number of `units` it was made of.
pub(super) fn timed<T>(name: &str, units: usize, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let started = Instant::now();
    let done = work()?;
    let seconds = started.elapsed().as_secs_f64();
    tracing::info!(units, seconds = format!("{seconds:.1}"), "{name}");
    Ok(done)
}
