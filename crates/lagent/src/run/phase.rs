//! Where a run stands.

use internlm_model::chat::Channel;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Where a run stands.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(tag = "phase", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Phase {
    /// Waits for [`Event::Start`](super::Event::Start): at the beginning and after an answer.
    #[default]
    Ready,
    /// Waits for the model.
    Asking {
        /// The request's id.
        request: u64,
    },
    /// Waits for tools and people.
    Calling {
        /// The calls of one reply, in its order.
        calls: Vec<PendingCall>,
    },
    /// Ended without an answer; a new start goes on with the same conversation.
    Failed,
}

/// One call of a reply.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct PendingCall {
    /// Its id.
    pub id: u64,
    /// Where the result goes.
    pub channel: Channel,
    /// The tool.
    pub name: String,
    /// The arguments.
    pub args: Value,
    /// How far it is.
    pub state: CallState,
}

/// How far a call is.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum CallState {
    /// A person has to decide.
    Undecided,
    /// The tool runs.
    Running,
    /// Done: the text for the model.
    Done {
        /// The text.
        text: String,
    },
}
