//! The definition of a team: its kind, its limits and its members.

use super::kind::TeamKind;
use crate::run::{AgentSpec, Limits};

/// Everything about a team that stays the same during a run.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TeamSpec {
    /// How the members work together.
    pub kind: TeamKind,
    /// Limits of each question for all members together. The limits of a single tool call and of corrections are
    /// those of the members.
    pub limits: Limits,
    /// The members in order.
    pub members: Vec<MemberSpec>,
}

/// One member of a team.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct MemberSpec {
    /// Name of the member: letters of ASCII, digits, `_` and `-`. Unique in the team, whatever the case.
    pub name: String,
    /// One sentence for other members about what this one is for. May be empty.
    pub description: String,
    /// Names of the members that this one may call as tools.
    pub calls: Vec<String>,
    /// The agent or the team that works under this name.
    pub kind: MemberKind,
}

/// What works under the name of a member.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum MemberKind {
    /// A single agent with its tools.
    Agent(Box<AgentSpec>),
    /// A team inside of this team.
    Team(Box<TeamSpec>),
}

impl TeamSpec {
    /// Creates a team without limits besides the depth of calls.
    #[must_use]
    pub fn new(kind: TeamKind, members: impl IntoIterator<Item = MemberSpec>) -> Self {
        Self { kind, limits: Limits::default(), members: members.into_iter().collect() }
    }

    /// Replaces the limits that all members share.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }
}

impl MemberSpec {
    /// Creates a member that is a single agent.
    #[must_use]
    pub fn agent(name: impl Into<String>, agent: AgentSpec) -> Self {
        Self::new(name.into(), MemberKind::Agent(Box::new(agent)))
    }

    /// Creates a member that is itself a team.
    #[must_use]
    pub fn team(name: impl Into<String>, team: TeamSpec) -> Self {
        Self::new(name.into(), MemberKind::Team(Box::new(team)))
    }

    fn new(name: String, kind: MemberKind) -> Self {
        Self { name, description: String::new(), calls: Vec::new(), kind }
    }

    /// Replaces the sentence that other members read about this one.
    #[must_use]
    pub fn with_description(self, description: impl Into<String>) -> Self {
        Self { description: description.into(), ..self }
    }

    /// Replaces the names of the members that this one may call as tools.
    #[must_use]
    pub fn with_calls<T: Into<String>>(self, calls: impl IntoIterator<Item = T>) -> Self {
        Self { calls: calls.into_iter().map(Into::into).collect(), ..self }
    }
}
