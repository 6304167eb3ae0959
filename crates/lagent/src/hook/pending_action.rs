//! A tool call that has not run yet, and the refusal of a hook.

use serde_json::Value;

use crate::action::{ActionReturn, ActionState};

/// A tool call as the hooks see it before the tool runs.
#[derive(Clone, Debug, PartialEq)]
pub struct PendingAction {
    /// The session that the call belongs to; empty if the driver serves a single conversation.
    pub session: String,
    /// Id of the call, as [`Command::CallTool`](crate::run::Command::CallTool) carries it.
    pub id: u64,
    /// Name of the tool, which a hook may change.
    pub name: String,
    /// Arguments of the call, which a hook may change.
    pub args: Value,
}

impl PendingAction {
    /// Creates the pending form of a call.
    #[must_use]
    pub fn new(session: impl Into<String>, id: u64, name: impl Into<String>, args: Value) -> Self {
        Self { session: session.into(), id, name: name.into(), args }
    }
}

/// The reason why a hook lets a question or a call not happen.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{reason}")]
pub struct Refusal {
    /// What the caller, or the model in case of a call, reads.
    pub reason: String,
}

impl Refusal {
    /// Creates a refusal with a reason for the reader.
    #[must_use]
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }

    /// Returns the result that the model reads in place of the refused call's result.
    #[must_use]
    pub fn into_return(self, action: &PendingAction) -> ActionReturn {
        let message = format!("The call was refused: {}", self.reason);
        ActionReturn::error(action.name.clone(), action.args.clone(), ActionState::ApiError, message)
    }
}
