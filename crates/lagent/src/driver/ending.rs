//! How a driven run ended.

use internlm_model::chat::Message;

use crate::run::{Command, FailReason, Finish};

/// How a driven run ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    /// With an answer.
    Finished {
        /// The answer.
        message: Message,
        /// `Length` when the token limit cut it.
        finish: Finish,
    },
    /// Without one.
    Failed {
        /// Why.
        reason: FailReason,
        /// The text of the last reply that had one.
        best: Option<String>,
    },
}

impl Ending {
    /// The ending that a command is, if it is one.
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

    /// The answer, if there is one.
    #[must_use]
    pub fn answer(&self) -> Option<&str> {
        match self {
            Self::Finished { message, .. } => Some(message.text()),
            Self::Failed { .. } => None,
        }
    }
}
