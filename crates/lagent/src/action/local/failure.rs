//! Why a tool has no result, and in which of lagent's three ways.

use crate::action::ActionState;

/// A failure in words for the model: what was found, and what to do differently.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Failure {
    pub(crate) state: ActionState,
    pub(crate) message: String,
}

impl Failure {
    /// The arguments are wrong.
    pub(crate) fn arguments(message: impl Into<String>) -> Self {
        Self { state: ActionState::ArgsError, message: message.into() }
    }

    /// The tool ran and failed, or what it needs is missing.
    pub(crate) fn tool(message: impl Into<String>) -> Self {
        Self { state: ActionState::ApiError, message: message.into() }
    }

    /// A service could not be reached or refused the request.
    pub(crate) fn service(message: impl Into<String>) -> Self {
        Self { state: ActionState::HttpError, message: message.into() }
    }
}
