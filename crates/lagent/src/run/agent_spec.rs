//! The definition of an agent.

use serde::{Deserialize, Serialize};

use super::{Approval, Limits, Sampling};
use crate::action::ToolSpec;
use crate::protocol::{Constraint, Protocol};

/// The definition of an agent: everything that stays the same during a run.
///
/// ```
/// use lagent::run::{AgentSpec, Approval, Limits};
///
/// let mut limits = Limits::default();
/// limits.max_turn = Some(8);
/// let agent = AgentSpec::internlm2(Vec::new()).with_limits(limits).with_approval(Approval::Always);
/// assert_eq!(agent.max_turn(), 8);
/// ```
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AgentSpec {
    /// How tools and calls are written for the model.
    pub protocol: Protocol,
    /// Definitions of the tools that the agent may call.
    pub tools: Vec<ToolSpec>,
    /// Limits that apply to each question separately.
    pub limits: Limits,
    /// Sampling settings of every model request.
    pub params: Sampling,
    /// Calls that wait for a person's approval.
    pub approval: Approval,
    /// Whether the server is asked to make malformed calls impossible.
    #[serde(default, skip_serializing_if = "Constraint::is_off")]
    pub constrain: Constraint,
}

impl AgentSpec {
    /// Creates an agent with default limits, greedy decoding, free replies and no approvals.
    #[must_use]
    pub fn new(protocol: Protocol, tools: Vec<ToolSpec>) -> Self {
        let (limits, params) = (Limits::default(), Sampling::default());
        Self { protocol, tools, limits, params, approval: Approval::Never, constrain: Constraint::Off }
    }

    /// Creates an agent that uses InternLM2's plugin protocol with its default settings.
    #[must_use]
    pub fn internlm2(tools: Vec<ToolSpec>) -> Self {
        Self::new(Protocol::InternLm2(Default::default()), tools)
    }

    /// Replaces the limits of each question.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Replaces the sampling settings of the model requests.
    #[must_use]
    pub fn with_sampling(self, params: Sampling) -> Self {
        Self { params, ..self }
    }

    /// Replaces the rule that says which calls wait for a person.
    #[must_use]
    pub fn with_approval(self, approval: Approval) -> Self {
        Self { approval, ..self }
    }

    /// Replaces the rule that says whether replies are constrained.
    #[must_use]
    pub fn with_constraint(self, constrain: Constraint) -> Self {
        Self { constrain, ..self }
    }

    /// Returns the maximum number of model requests of one question: that of the limits, or else the protocol's.
    #[must_use]
    pub fn max_turn(&self) -> u32 {
        self.limits.max_turn.unwrap_or_else(|| self.protocol.default_max_turn())
    }
}
