//! The ending of a question: an answer or a reason.

use internlm_model::chat::Message;

use crate::run::{Command, FailReason, Finish};

/// How a question ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    /// The agent gave an answer.
    Finished {
        /// The final answer without any calls.
        message: Message,
        /// [`Finish::Length`] if the token limit cut the answer.
        finish: Finish,
    },
    /// The agent gave no answer.
    Failed {
        /// The limit, error or cancellation that ended the question.
        reason: FailReason,
        /// Text of the last reply that contained any.
        best: Option<String>,
    },
}

impl Ending {
    /// Converts a command that ends a question; `None` for every other command.
    pub(super) fn of(command: &Command) -> Option<Self> {
        match command {
            Command::Finish { message, finish } => {
                Some(Self::Finished { message: message.clone(), finish: *finish })
            }
            Command::Fail { reason, best } => {
                Some(Self::Failed { reason: reason.clone(), best: best.clone() })
            }
            _ => None,
        }
    }

    /// Returns the text of the answer; `None` after a failure, even if there was a partial text.
    #[must_use]
    pub fn answer(&self) -> Option<&str> {
        match self {
            Self::Finished { message, .. } => Some(message.text()),
            Self::Failed { .. } => None,
        }
    }
}
