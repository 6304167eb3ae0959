//! The trait of hooks. Every method has a default that changes nothing.

use internlm_model::chat::Message;

use super::{PendingAction, Refusal};
use crate::action::ActionReturn;

/// Sees what goes into an agent and its tools, and what comes out. `session` is empty where a driver serves a
/// single conversation.
pub trait Hook: Send + Sync {
    /// Called with the messages of a question before the run takes them.
    ///
    /// # Errors
    /// A [`Refusal`]: the question is not asked, and later hooks do not see it.
    fn before_agent(&self, session: &str, messages: &mut Vec<Message>) -> Result<(), Refusal> {
        let _ = (session, messages);
        Ok(())
    }

    /// Called with the answer of a question. The agent's own history keeps the unchanged answer.
    fn after_agent(&self, session: &str, answer: &mut Message) {
        let _ = (session, answer);
    }

    /// Called with a call before the tool runs.
    ///
    /// # Errors
    /// A [`Refusal`]: the tool does not run, the model reads the reason, and later hooks do not see the call.
    fn before_action(&self, action: &mut PendingAction) -> Result<(), Refusal> {
        let _ = action;
        Ok(())
    }

    /// Called with the result of a call, refused ones included, before the model reads it.
    fn after_action(&self, action: &PendingAction, value: &mut ActionReturn) {
        let _ = (action, value);
    }
}
