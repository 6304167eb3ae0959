//! `Worker`: the state machine of one member.

use std::collections::BTreeMap;

use internlm_model::chat::Message;
use serde::{Deserialize, Serialize};

use super::TeamRun;
use crate::action::ToolSpec;
use crate::run::{AgentRun, Command, Counters, Event};
use crate::team::spec::MemberKind;

/// An agent or a team inside of the team.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Worker {
    /// A single agent.
    Agent(Box<AgentRun>),
    /// A team with its own members.
    Team(Box<TeamRun>),
}

impl Worker {
    /// Creates the machine of a member. A team has no tools of its own.
    pub(super) fn new(kind: MemberKind, tools: Vec<ToolSpec>) -> Self {
        match kind {
            MemberKind::Agent(mut spec) => {
                spec.tools.extend(tools);
                Self::Agent(Box::new(AgentRun::new(*spec)))
            }
            MemberKind::Team(spec) => Self::Team(Box::new(TeamRun::of_checked(*spec))),
        }
    }

    pub(super) fn step(&mut self, event: Event) -> Vec<Command> {
        match self {
            Self::Agent(run) => run.step(event),
            Self::Team(run) => run.step(event),
        }
    }

    pub(super) fn used(&self) -> Counters {
        match self {
            Self::Agent(run) => *run.used(),
            Self::Team(run) => *run.used(),
        }
    }

    /// The conversations of the member and of its own members, by path.
    pub(super) fn histories(&self, name: &str) -> BTreeMap<String, Vec<Message>> {
        match self {
            Self::Agent(run) => BTreeMap::from([(name.to_owned(), run.history().to_vec())]),
            Self::Team(run) => {
                let path = |inner: String| {
                    if inner.is_empty() { name.to_owned() } else { format!("{name}.{inner}") }
                };
                run.histories().into_iter().map(|(inner, history)| (path(inner), history)).collect()
            }
        }
    }
}
