//! The phases of a run and the state of its open calls.

use internlm_model::chat::Channel;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::protocol::CallOutcome;

/// What a run is waiting for.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(tag = "phase", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Phase {
    /// Waiting for [`Event::Start`](super::Event::Start), at the beginning and after an answer.
    #[default]
    Ready,
    /// Waiting for the model's reply.
    Asking {
        /// Id of the open request; replies with another id are ignored.
        request: u64,
    },
    /// Waiting for tools and approvals.
    Calling {
        /// The calls of one reply in their order.
        calls: Vec<PendingCall>,
    },
    /// The question ended without an answer. A new start continues the same conversation.
    Failed,
}

/// One call of a reply, open or done.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct PendingCall {
    /// Id that events use to name this call.
    pub id: u64,
    /// The channel of the message that will carry the result.
    pub channel: Channel,
    /// Name of the tool; empty if the call could not be understood.
    pub name: String,
    /// Arguments; null if the call could not be understood.
    pub args: Value,
    /// Whether the call waits, runs or is done.
    pub state: CallState,
}

/// What a call waits for, or the text that came of it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum CallState {
    /// Waiting for a person's decision.
    Undecided,
    /// The tool is running.
    Running,
    /// The call has its result.
    Done {
        /// The text that the model will read.
        text: String,
        /// Whether the text is the tool's result, or says why the tool gave no result.
        #[serde(default, skip_serializing_if = "CallOutcome::is_result")]
        outcome: CallOutcome,
    },
}

/// What a machine waits for, in the terms that agents and teams share.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MachinePhase {
    /// Waiting for a question.
    Ready,
    /// Waiting for a model, a tool or a person.
    Busy,
    /// The last question ended without an answer. A new one may start.
    Failed,
}
