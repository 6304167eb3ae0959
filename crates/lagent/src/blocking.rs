//! [`run`]: a future carried out to its end by code that is not asynchronous.

use std::any::Any;
use std::{fmt, io, thread};

use tokio::runtime::Builder;

/// Why a future has no result.
#[derive(Debug)]
pub(crate) enum Unfinished {
    /// The system has no resources for a runtime.
    Runtime(io::Error),
    /// The future panicked with this value.
    Panic(Box<dyn Any + Send>),
}

impl fmt::Display for Unfinished {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Runtime(error) => write!(formatter, "cannot start an async runtime: {error}"),
            Self::Panic(_) => formatter.write_str("the client ended unexpectedly"),
        }
    }
}

/// Runs the future that `work` makes to its end.
///
/// It has a thread and a runtime of its own, because a tool may be called from inside another runtime, where waiting
/// is not allowed and where a runtime may not be dropped. The runtime ends with the future, so the future must not
/// leave a client or a task behind: their connections would never answer again.
pub(crate) fn run<T: Send, F: Future<Output = T>>(work: impl FnOnce() -> F + Send) -> Result<T, Unfinished> {
    let run = || match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => Ok(runtime.block_on(work())),
        Err(error) => Err(Unfinished::Runtime(error)),
    };
    thread::scope(|scope| scope.spawn(run).join().unwrap_or_else(|panic| Err(Unfinished::Panic(panic))))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    async fn slow(text: &str) -> usize {
        tokio::time::sleep(Duration::from_millis(1)).await;
        text.len()
    }

    #[test]
    fn a_future_may_borrow_and_is_run_outside_and_inside_of_a_runtime() {
        let text = "four".to_owned();
        assert_eq!(run(|| slow(&text)).expect("ends"), 4);
        let runtime = Builder::new_current_thread().build().expect("a runtime");
        assert_eq!(runtime.block_on(async { run(|| slow(&text)) }).expect("ends"), 4);
    }

    #[test]
    fn a_panic_is_caught() {
        let panics = || async { assert!(thread::current().name().is_some(), "the thread has no name") };
        let unfinished = run(panics).expect_err("panics");
        assert!(matches!(unfinished, Unfinished::Panic(_)), "{unfinished}");
    }
}
