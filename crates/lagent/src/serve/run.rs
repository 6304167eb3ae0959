//! [`Run`]: one question under way, as every request that is about it sees it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;
use tokio::sync::{mpsc, watch};

use super::failure::Failure;
use super::run_log::RunLog;
use crate::client::{PendingApproval, RunInfo, RunStatus};
use crate::run::{Counters, Event};

/// What clients tell a run: decisions and the wish to end it.
pub(super) type Control = mpsc::UnboundedReceiver<Event>;

/// One question under way or answered.
#[derive(Debug)]
pub(super) struct Run {
    /// Whose run it is; others do not see it.
    pub(super) tenant: Arc<str>,
    pub(super) log: Arc<RunLog>,
    info: watch::Sender<RunInfo>,
    control: mpsc::UnboundedSender<Event>,
    is_cancelled: AtomicBool,
}

/// What a run is called and what it belongs to.
#[derive(Clone, Debug)]
pub(super) struct RunName {
    pub(super) id: String,
    pub(super) agent: String,
    pub(super) session: Value,
    /// In Unix seconds.
    pub(super) created: u64,
}

impl Run {
    /// A run that has not begun, and where it hears what clients tell it.
    pub(super) fn new(tenant: Arc<str>, name: RunName) -> (Arc<Self>, Control) {
        let (control, heard) = mpsc::unbounded_channel();
        let RunName { id, agent, session, created } = name;
        let object = "run".to_owned();
        let info = RunInfo { id, object, agent, session_id: session, created, ..RunInfo::default() };
        let info = watch::Sender::new(info);
        let is_cancelled = AtomicBool::new(false);
        (Arc::new(Self { tenant, log: RunLog::new(), info, control, is_cancelled }), heard)
    }

    /// The state at this moment.
    pub(super) fn info(&self) -> RunInfo {
        self.info.borrow().clone()
    }

    pub(super) fn status(&self) -> RunStatus {
        self.info.borrow().status
    }

    pub(super) fn id(&self) -> String {
        self.info.borrow().id.clone()
    }

    /// Waits until the run needs nothing from the server any more.
    pub(super) async fn ended(&self) -> RunInfo {
        let mut watched = self.info.subscribe();
        // The sender is here, so waiting does not fail.
        let ended = watched.wait_for(|info| info.status.has_ended()).await;
        ended.map(|info| info.clone()).unwrap_or_default()
    }

    /// Says what the run is doing now.
    pub(super) fn set_status(&self, status: RunStatus) {
        self.info.send_modify(|info| info.status = status);
    }

    /// Says that the client has to call tools, unless it has ended the run meanwhile.
    pub(super) fn wait_for_tools(&self) {
        self.info.send_if_modified(|info| {
            let continues = !info.status.has_ended();
            if continues {
                info.status = RunStatus::NeedsTools;
            }
            continues
        });
    }

    /// Says what has been used of the agent's limits.
    pub(super) fn set_used(&self, used: Counters) {
        // Nobody waits for it.
        self.info.send_if_modified(|info| {
            info.used = used;
            false
        });
    }

    /// Says that a call waits for a decision.
    pub(super) fn ask(&self, approval: PendingApproval) {
        self.info.send_modify(|info| {
            info.approvals.push(approval);
            info.status = RunStatus::NeedsApproval;
        });
    }

    /// Decides about a call, or about the only one that waits; `event` makes the decision of the call's number.
    pub(super) fn decide(&self, call: Option<u64>, event: impl FnOnce(u64) -> Event) -> Result<(), Failure> {
        let mut decided = None;
        let mut waiting = Vec::new();
        self.info.send_if_modified(|info| {
            waiting = info.approvals.iter().map(|approval| approval.call).collect();
            let place = match call {
                Some(call) => waiting.iter().position(|waits| *waits == call),
                None => (waiting.len() == 1).then_some(0),
            };
            let Some(place) = place else { return false };
            decided = Some(info.approvals.remove(place).call);
            if info.approvals.is_empty() {
                info.status = RunStatus::Running;
            }
            true
        });
        let Some(decided) = decided else { return Err(not_waiting(call, &waiting)) };
        // A run that has ended in between needs no decision.
        let _ = self.control.send(event(decided));
        Ok(())
    }

    /// Ends the run, unless it has ended.
    pub(super) fn cancel(&self) {
        if !self.is_cancelled.swap(true, Ordering::SeqCst) {
            let _ = self.control.send(Event::Cancel);
        }
    }

    /// Whether somebody has asked for the end of the run.
    pub(super) fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::SeqCst)
    }

    /// Notes how the run has ended, and ends its log.
    pub(super) fn settle(&self, change: impl FnOnce(&mut RunInfo)) {
        let mut last = None;
        self.info.send_if_modified(|info| {
            change(info);
            info.approvals.clear();
            last = Some(info.clone());
            false
        });
        if let Some(info) = last {
            self.log.end(&info);
        }
    }

    /// Tells whoever waits for the run's end.
    pub(super) fn announce(&self) {
        self.info.send_modify(|_| {});
    }
}

/// The error of a decision about a call that does not wait.
fn not_waiting(call: Option<u64>, waiting: &[u64]) -> Failure {
    let waiting: Vec<String> = waiting.iter().map(u64::to_string).collect();
    let expected = match waiting.as_slice() {
        [] => "a run with a call that waits for a decision".to_owned(),
        calls => format!("one of the calls that wait for a decision: {}", calls.join(", ")),
    };
    let found = call.map_or_else(|| "no number".to_owned(), |call| call.to_string());
    Failure { status: 409, ..Failure::field("call", format!("found {found}, expected {expected}")) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn run() -> (Arc<Run>, Control) {
        let (id, agent) = ("run_1".to_owned(), "a".to_owned());
        Run::new("local".into(), RunName { id, agent, session: Value::Null, created: 1 })
    }

    fn approval(call: u64) -> PendingApproval {
        PendingApproval { call, name: "T".to_owned(), args: json!({}) }
    }

    #[tokio::test]
    async fn a_call_is_decided_once() {
        let (run, mut control) = run();
        run.ask(approval(3));
        run.ask(approval(4));
        let approve = |call| Event::Approve { call };
        let unclear = run.decide(None, approve).expect_err("two calls wait");
        assert_eq!((unclear.status, unclear.param.as_deref()), (409, Some("call")));
        assert!(unclear.message.ends_with("one of the calls that wait for a decision: 3, 4"));
        run.decide(Some(3), approve).expect("waits");
        assert!(run.decide(Some(3), approve).is_err(), "decided already");
        assert_eq!(run.status(), RunStatus::NeedsApproval);
        run.decide(None, approve).expect("only one waits");
        assert_eq!(run.status(), RunStatus::Running);
        assert_eq!(control.recv().await, Some(Event::Approve { call: 3 }));
        assert_eq!(control.recv().await, Some(Event::Approve { call: 4 }));
        run.cancel();
        run.cancel();
        assert_eq!((control.recv().await, control.try_recv().ok()), (Some(Event::Cancel), None));
    }

    #[tokio::test]
    async fn whoever_waits_gets_the_last_state() {
        let (run, _control) = run();
        let waits = tokio::spawn({
            let run = Arc::clone(&run);
            async move { run.ended().await }
        });
        run.set_status(RunStatus::Running);
        run.settle(|info| info.status = RunStatus::Finished);
        run.announce();
        assert_eq!(waits.await.expect("no panic").status, RunStatus::Finished);
        assert_eq!(run.ended().await.status, RunStatus::Finished);
        let line = run.log.reader(0).next().await.expect("the end").line;
        assert!(line.json.starts_with(r#"{"end":{"id":"run_1","object":"run""#), "{}", line.json);
    }
}
