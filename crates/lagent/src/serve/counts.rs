//! [`Counts`]: what the server has done since its start, for `/metrics`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::client::{RunInfo, RunStatus};

/// Counts of requests and runs.
#[derive(Debug)]
pub(super) struct Counts {
    sums: Mutex<Sums>,
    /// Number of questions under way.
    running: watch::Sender<usize>,
}

/// Counts at one moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Sums {
    /// Answered requests by route and status.
    pub(super) answered: BTreeMap<(String, u16), u64>,
    /// Runs by agent and the status that they have ended with.
    pub(super) ended: BTreeMap<(String, &'static str), u64>,
    /// Prompt tokens, generated tokens and tool calls by agent.
    pub(super) used: BTreeMap<String, [u64; 3]>,
}

/// A question under way, until this is dropped.
#[derive(Debug)]
pub(super) struct Running(Arc<Counts>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.send_modify(|running| *running -= 1);
    }
}

impl Default for Counts {
    fn default() -> Self {
        Self { sums: Mutex::default(), running: watch::Sender::new(0) }
    }
}

impl Counts {
    /// Counts a request whose answer has ended.
    pub(super) fn answer(&self, route: &str, status: u16) {
        *self.lock().answered.entry((route.to_owned(), status)).or_default() += 1;
    }

    /// Counts a question until the result is dropped.
    pub(super) fn run(self: &Arc<Self>) -> Running {
        self.running.send_modify(|running| *running += 1);
        Running(Arc::clone(self))
    }

    /// Counts a run that has ended.
    pub(super) fn end(&self, info: &RunInfo) {
        let status = match info.status {
            RunStatus::Finished => "finished",
            RunStatus::Cancelled => "cancelled",
            _ => "failed",
        };
        let mut sums = self.lock();
        *sums.ended.entry((info.agent.clone(), status)).or_default() += 1;
        let used = sums.used.entry(info.agent.clone()).or_default();
        let more = [info.used.input_tokens, info.used.output_tokens, info.used.tool_calls.into()];
        for (sum, more) in used.iter_mut().zip(more) {
            *sum += more;
        }
    }

    /// Number of questions under way.
    pub(super) fn running(&self) -> usize {
        *self.running.borrow()
    }

    /// Waits until no question is under way.
    pub(super) async fn nothing_runs(&self) {
        // The sender is here, so waiting does not fail.
        let _ = self.running.subscribe().wait_for(|running| *running == 0).await;
    }

    /// All counts at this moment.
    pub(super) fn sums(&self) -> Sums {
        self.lock().clone()
    }

    /// A panic while holding the lock leaves the counts whole: every change is one call.
    fn lock(&self) -> MutexGuard<'_, Sums> {
        self.sums.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Counters;

    #[tokio::test]
    async fn runs_are_counted_while_they_last_and_after() {
        let counts = Arc::new(Counts::default());
        let running = counts.run();
        assert_eq!(counts.running(), 1);
        drop(running);
        counts.nothing_runs().await;
        let used = Counters { tool_calls: 2, ..Counters::default() };
        let (agent, status) = ("a".to_owned(), RunStatus::Finished);
        let info = RunInfo { agent, status, used, ..RunInfo::default() };
        counts.end(&info);
        counts.end(&info);
        counts.answer("/v1/models", 200);
        let sums = counts.sums();
        assert_eq!((sums.ended[&("a".to_owned(), "finished")], sums.used["a"]), (2, [0, 0, 4]));
        assert_eq!(sums.answered[&("/v1/models".to_owned(), 200)], 1);
    }
}
