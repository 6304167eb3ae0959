//! The tools of a run, with the hooks around their calls and the session that they belong to.

use std::time::Duration;

use internlm_kit::stop::Stop;
use internlm_model::chat::Message;
use serde_json::Value;

use super::Ending;
use crate::action::{ActionReturn, CallContext, Toolbox};
use crate::hook::{Hooks, PendingAction, Refusal};
use crate::run::FailReason;

/// What a driver needs for tool calls. A reference to a toolbox is enough where there are no hooks and no sessions.
#[derive(Clone, Copy, Debug)]
pub struct ToolAccess<'a> {
    tools: &'a Toolbox,
    hooks: Option<&'a Hooks>,
    session: &'a str,
    stop: Option<&'a Stop>,
}

impl<'a> From<&'a Toolbox> for ToolAccess<'a> {
    fn from(tools: &'a Toolbox) -> Self {
        Self { tools, hooks: None, session: "", stop: None }
    }
}

impl<'a> ToolAccess<'a> {
    /// Adds hooks, which see questions, calls and their ends.
    #[must_use]
    pub fn with_hooks(self, hooks: &'a Hooks) -> Self {
        Self { hooks: Some(hooks), ..self }
    }

    /// Names the conversation, for tools and hooks that keep something for each of them.
    #[must_use]
    pub fn with_session(self, session: &'a str) -> Self {
        Self { session, ..self }
    }

    /// Adds the stop that cancels calls.
    pub(super) fn with_stop(self, stop: &'a Stop) -> Self {
        Self { stop: Some(stop), ..self }
    }

    /// Returns the tools alone.
    #[must_use]
    pub fn tools(&self) -> &'a Toolbox {
        self.tools
    }

    /// Returns the hooks; `None` if there is nothing to call.
    pub(super) fn hooks(&self) -> Option<&'a Hooks> {
        self.hooks.filter(|hooks| !hooks.is_empty())
    }

    /// Returns a call as the hooks see it.
    pub(super) fn action(&self, id: u64, name: String, args: Value) -> PendingAction {
        PendingAction::new(self.session, id, name, args)
    }

    /// Shows a question to the hooks. A refused one ends before it begins.
    pub(super) fn before_agent(&self, messages: &mut Vec<Message>) -> Option<Ending> {
        let refusal = self.hooks()?.before_agent(self.session, messages).err()?;
        let Refusal { reason } = refusal;
        Some(Ending::Failed { reason: FailReason::Refused { message: reason }, best: None })
    }

    /// Shows the end of a question to the hooks, which may change the answer.
    pub(super) fn after_agent(&self, mut ending: Ending) -> Ending {
        if let (Some(hooks), Ending::Finished { message, .. }) = (self.hooks(), &mut ending) {
            hooks.after_agent(self.session, message);
        }
        ending
    }

    /// Makes a call on this thread, without the hooks.
    pub(super) fn call(&self, action: &PendingAction, deadline: u64) -> ActionReturn {
        let deadline = Duration::from_millis(deadline);
        let context = CallContext { session: self.session, deadline, stop: self.stop };
        self.tools.call_in(&context, &action.name, &action.args)
    }

    /// Shows the result of a call to the hooks, which may change it.
    pub(super) fn after_action(&self, action: &PendingAction, value: &mut ActionReturn) {
        if let Some(hooks) = self.hooks() {
            hooks.after_action(action, value);
        }
    }
}
