//! [`run`]: a future carried out to its end by code that is not asynchronous.

use std::any::Any;
use std::time::Duration;
use std::{fmt, io, thread};

use internlm_kit::stop::Stop;
use tokio::runtime::Builder;

/// Between two looks at whether the caller still wants the result.
const LOOK: Duration = Duration::from_millis(10);

/// Why a future has no result.
#[derive(Debug)]
pub(crate) enum Unfinished {
    /// The system has no resources for a runtime.
    Runtime(io::Error),
    /// Nobody wants the result any more.
    Cancelled,
    /// The future panicked with this value.
    Panic(Box<dyn Any + Send>),
}

impl fmt::Display for Unfinished {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Runtime(error) => write!(formatter, "cannot start an async runtime: {error}"),
            Self::Cancelled => formatter.write_str("the call was cancelled"),
            Self::Panic(_) => formatter.write_str("the client ended unexpectedly"),
        }
    }
}

/// Runs the future that `work` makes to its end, or drops it once `stop` is requested.
///
/// It has a thread and a runtime of its own, because a tool may be called from inside another runtime, where waiting
/// is not allowed and where a runtime may not be dropped. The runtime ends with the future, so the future must not
/// leave a client or a task behind: their connections would never answer again.
pub(crate) fn run<T: Send, F: Future<Output = T>>(
    stop: Option<&Stop>,
    work: impl FnOnce() -> F + Send,
) -> Result<T, Unfinished> {
    let run = || {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(Unfinished::Runtime)?;
        let result = runtime.block_on(async {
            tokio::select! {
                // A call that is cancelled already does not begin.
                biased;
                () = requested(stop) => Err(Unfinished::Cancelled),
                result = async { work().await } => Ok(result),
            }
        });
        // The system's look-up of a name cannot be stopped, so its thread is not waited for.
        runtime.shutdown_background();
        result
    };
    thread::scope(|scope| scope.spawn(run).join().unwrap_or_else(|panic| Err(Unfinished::Panic(panic))))
}

/// Waits until somebody requests the stop; for ever if nobody can.
pub(crate) async fn requested(stop: Option<&Stop>) {
    let Some(stop) = stop else { return std::future::pending().await };
    while !stop.is_requested() {
        tokio::time::sleep(LOOK).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn slow(text: &str) -> usize {
        tokio::time::sleep(Duration::from_millis(1)).await;
        text.len()
    }

    #[test]
    fn a_future_may_borrow_and_is_run_outside_and_inside_of_a_runtime() {
        let text = "four".to_owned();
        assert_eq!(run(None, || slow(&text)).expect("ends"), 4);
        let runtime = Builder::new_current_thread().build().expect("a runtime");
        assert_eq!(runtime.block_on(async { run(None, || slow(&text)) }).expect("ends"), 4);
    }

    #[test]
    fn a_panic_is_caught() {
        let panics = || async { assert!(thread::current().name().is_some(), "the thread has no name") };
        let unfinished = run(None, panics).expect_err("panics");
        assert!(matches!(unfinished, Unfinished::Panic(_)), "{unfinished}");
    }

    #[test]
    fn a_cancelled_future_is_dropped_or_never_begins() {
        let stop = Stop::new();
        let cancelled = thread::scope(|scope| {
            let running = scope.spawn(|| run(Some(&stop), std::future::pending::<()>));
            thread::sleep(3 * LOOK);
            stop.request();
            running.join().expect("no panic")
        });
        assert!(matches!(cancelled, Err(Unfinished::Cancelled)), "{cancelled:?}");
        let mut has_begun = false;
        let late = run(Some(&stop), || {
            has_begun = true;
            std::future::ready(())
        });
        assert!(matches!(late, Err(Unfinished::Cancelled)) && !has_begun, "{late:?}");
    }
}
