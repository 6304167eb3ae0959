//! Progress reports of running calls: who listens to which call.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rmcp::model::{ProgressNotificationParam, ProgressToken};
use tokio::sync::Notify;

/// How far a call is, in units that the server chooses.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// What is done. It grows from report to report.
    pub done: f64,
    /// What there is to do, if the server knows it.
    pub total: Option<f64>,
    /// What the server says about it.
    pub message: Option<String>,
}

/// The function that is told about progress. It runs on the thread of the server and must not block.
pub type OnProgress = Arc<dyn Fn(&Progress) + Send + Sync>;

/// The running calls that listen to progress reports.
#[derive(Default)]
pub(super) struct ProgressTable {
    listeners: Mutex<HashMap<ProgressToken, Listener>>,
}

struct Listener {
    heard: Arc<Notify>,
    tell: Option<OnProgress>,
}

/// One running call. It stops listening when this is dropped.
pub(super) struct Listening<'a> {
    table: &'a ProgressTable,
    token: ProgressToken,
    /// Notified by every report.
    pub(super) heard: Arc<Notify>,
}

impl ProgressTable {
    pub(super) fn listen(&self, token: ProgressToken, tell: Option<OnProgress>) -> Listening<'_> {
        let heard = Arc::new(Notify::new());
        self.lock().insert(token.clone(), Listener { heard: Arc::clone(&heard), tell });
        Listening { table: self, token, heard }
    }

    /// Passes a report on. One that belongs to no running call is ignored.
    pub(super) fn report(&self, report: ProgressNotificationParam) {
        let tell = self.lock().get(&report.progress_token).map(|listener| {
            listener.heard.notify_one();
            listener.tell.clone()
        });
        // Without the lock: the function may start another call.
        if let Some(Some(tell)) = tell {
            tell(&Progress { done: report.progress, total: report.total, message: report.message });
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ProgressToken, Listener>> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Listening<'_> {
    fn drop(&mut self) {
        self.table.lock().remove(&self.token);
    }
}

#[cfg(test)]
mod tests {
    use rmcp::model::NumberOrString;

    use super::*;

    #[test]
    fn reports_reach_their_call_and_no_other() {
        let table = ProgressTable::default();
        let token = |number| ProgressToken(NumberOrString::Number(number));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let tell: OnProgress = {
            let seen = Arc::clone(&seen);
            Arc::new(move |progress: &Progress| seen.lock().expect("no panic").push(progress.done))
        };
        let listening = table.listen(token(1), Some(tell));
        let silent = table.listen(token(2), None);
        for number in [1, 2, 3] {
            table.report(ProgressNotificationParam::new(token(number), 0.5));
        }
        drop((listening, silent));
        table.report(ProgressNotificationParam::new(token(1), 1.0));
        assert_eq!(*seen.lock().expect("no panic"), [0.5]);
        assert!(table.lock().is_empty());
    }
}
