//! [`RunInfo`]: the state of a run, and [`RunEvent`]: one line of its events.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::message::AgentMessage;
use crate::run::{Command, Counters, Event, FailReason, Finish};

/// What a run is doing, or how it has ended.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum RunStatus {
    /// An earlier question of the same session is being answered.
    #[default]
    Queued,
    /// The model or a tool is working.
    Running,
    /// A person has to decide about calls.
    NeedsApproval,
    /// The client has to call tools and send their results.
    NeedsTools,
    /// There is an answer.
    Finished,
    /// The run has ended without an answer.
    Failed,
    /// A client has ended the run.
    Cancelled,
}

impl RunStatus {
    /// Whether the run does nothing any more, or waits for another request.
    #[must_use]
    pub fn has_ended(self) -> bool {
        matches!(self, Self::NeedsTools | Self::Finished | Self::Failed | Self::Cancelled)
    }
}

/// A call that waits for a person's decision.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct PendingApproval {
    /// Number that the decision has to name.
    pub call: u64,
    /// Name of the tool.
    pub name: String,
    /// Arguments of the call as the tool will receive them.
    pub args: Value,
}

/// Why a run has no answer.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct RunFailure {
    /// What happened, in words for people.
    pub message: String,
    /// HTTP status that a client which waits for the answer gets.
    pub status: u16,
    /// The same for programs; absent after a fault of the server.
    #[serde(default)]
    pub reason: Option<FailReason>,
    /// Text of the last reply that contained any: the best answer so far, which may be wrong.
    #[serde(default)]
    pub best: Option<String>,
}

/// The state of a run.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RunInfo {
    /// Name of the run, unique on its server.
    pub id: String,
    /// Kind of the body: always `run`.
    pub object: String,
    /// Name of the agent that works.
    pub agent: String,
    /// The session as the request named it; null if the conversation is not kept.
    #[serde(default)]
    pub session_id: Value,
    /// What the run is doing, or how it has ended.
    pub status: RunStatus,
    /// When the run was requested, in Unix seconds.
    pub created: u64,
    /// The answer of a finished run.
    #[serde(default)]
    pub answer: Option<AgentMessage>,
    /// Whether the answer is whole or cut off by the token limit.
    #[serde(default)]
    pub finish: Option<Finish>,
    /// Why a failed or cancelled run has no answer.
    #[serde(default)]
    pub error: Option<RunFailure>,
    /// Calls that wait for a decision, in the order in which they were made.
    #[serde(default)]
    pub approvals: Vec<PendingApproval>,
    /// What the run has used so far of the agent's limits.
    #[serde(default)]
    pub used: Counters,
}

/// One event of a run, as `GET /v1/runs/{id}/events` sends it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum RunEvent {
    /// Something that happened outside of the agent. Pieces of replies are only sent while they are generated.
    Event(Box<Event>),
    /// Something that the agent has asked for.
    Command(Box<Command>),
    /// The state after the last event.
    End(Box<RunInfo>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_have_one_key() {
        let cancel = RunEvent::Event(Box::new(Event::Cancel));
        let json = serde_json::to_string(&cancel).expect("serializes");
        assert_eq!(json, r#"{"event":{"type":"cancel"}}"#);
        assert_eq!(serde_json::from_str::<RunEvent>(&json).expect("parses"), cancel);
    }

    #[test]
    fn what_has_ended_needs_nothing_from_the_server() {
        for (status, name, ended) in [
            (RunStatus::Queued, "queued", false),
            (RunStatus::Running, "running", false),
            (RunStatus::NeedsApproval, "needs-approval", false),
            (RunStatus::NeedsTools, "needs-tools", true),
            (RunStatus::Finished, "finished", true),
            (RunStatus::Failed, "failed", true),
            (RunStatus::Cancelled, "cancelled", true),
        ] {
            assert_eq!(serde_json::to_value(status).expect("serializes"), name);
            assert_eq!(status.has_ended(), ended, "{name}");
        }
    }
}
