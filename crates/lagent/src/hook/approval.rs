//! `ApprovalHook`: asks a function about every call of the tools that need approval.

use super::{Hook, PendingAction, Refusal};
use crate::run::Approval;

/// The function that decides about a call: nothing to let it run, or the reason why it must not.
type Decide = dyn Fn(&PendingAction) -> Result<(), Refusal> + Send + Sync;

/// Lets the calls of chosen tools run only when a function agrees.
///
/// [`AgentSpec::approval`](crate::run::AgentSpec::approval) asks through the state machine, so the decision is
/// part of the transcript. This hook is for programs that decide by a rule of their own, for all agents alike.
pub struct ApprovalHook {
    tools: Approval,
    decide: Box<Decide>,
}

impl ApprovalHook {
    /// Creates a hook that calls `decide` for every call that `tools` covers.
    #[must_use]
    pub fn new(
        tools: Approval,
        decide: impl Fn(&PendingAction) -> Result<(), Refusal> + Send + Sync + 'static,
    ) -> Self {
        Self { tools, decide: Box::new(decide) }
    }
}

impl Hook for ApprovalHook {
    fn before_action(&self, action: &mut PendingAction) -> Result<(), Refusal> {
        if self.tools.covers(&action.name) { (self.decide)(action) } else { Ok(()) }
    }
}

impl std::fmt::Debug for ApprovalHook {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ApprovalHook").field("tools", &self.tools).finish_non_exhaustive()
    }
}
