//! Waits for the future of an `async` function.

use std::panic::resume_unwind;

use super::Outcome;
use crate::action::CallContext;
use crate::blocking::{self, Unfinished};

/// Runs a future to its end, or drops it at the deadline of the call and when the call is cancelled.
///
/// # Panics
/// When the future panics, with its panic.
pub fn wait<F: Future<Output = Outcome>>(
    context: &CallContext<'_>,
    work: impl FnOnce() -> F + Send,
) -> Outcome {
    let deadline = context.deadline;
    match blocking::run(context.stop, || async { tokio::time::timeout(deadline, work()).await }) {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => Outcome::Failed(format!("the tool did not end within {} ms", deadline.as_millis())),
        Err(Unfinished::Panic(panic)) => resume_unwind(panic),
        Err(unfinished) => Outcome::Failed(unfinished.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use internlm_kit::stop::Stop;

    use super::*;

    #[test]
    fn a_future_ends_or_is_dropped() {
        let minute = CallContext::default();
        let work = || async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            Outcome::text("done")
        };
        assert_eq!(wait(&minute, work), Outcome::text("done"));
        let late = Outcome::Failed("the tool did not end within 5 ms".to_owned());
        let short = CallContext { deadline: Duration::from_millis(5), ..minute };
        assert_eq!(wait(&short, std::future::pending), late);
        let stop = Stop::new();
        stop.request();
        let cancelled = Outcome::Failed("the call was cancelled".to_owned());
        assert_eq!(wait(&CallContext { stop: Some(&stop), ..minute }, work), cancelled);
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        assert_eq!(runtime.block_on(async { wait(&minute, work) }), Outcome::text("done"));
    }
}
