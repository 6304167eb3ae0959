//! The kinds of teams and their settings, as the `[team]` table of a team file has them.

use serde::{Deserialize, Serialize};

use super::graph::Graph;
use super::on_failure::OnFailure;

/// How the members of a team work together.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum TeamKind {
    /// Each member works on the answer of the one before, lagent's `Sequential`.
    Sequential(Sequential),
    /// Each member works on the question, lagent's `AgentList`: members without a name are named by their index.
    List(Container),
    /// Each member works on the question, lagent's `AgentDict`: every member has a name.
    Dict(Container),
    /// All members work on the question at the same time.
    Parallel(Parallel),
    /// Members work along the edges of a graph without circles.
    Graph(Graph),
    /// A member chooses the one who answers.
    Router(Router),
    /// The member who has the conversation may hand it over.
    Handoff(Handoff),
    /// One member answers and may call all others as tools.
    Lead(Lead),
}

/// Settings of a sequence.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Sequential {
    /// Index of the turn after which the team stops, counted from 0. A number of members or more starts with the
    /// first member again. Default: the last member, once.
    pub exit_at: Option<usize>,
}

/// Settings of a list or a dict of members.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Container {
    /// Index of the member after which the team stops, counted from 0. Default: the last member.
    pub exit_at: Option<usize>,
}

/// Settings of a team whose members work at the same time.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Parallel {
    /// Maximum number of members that work at the same time. Default: 4.
    pub bound: usize,
    /// What becomes of the answers. Default: `"all"`.
    pub join: Join,
    /// What the failure of a member means. Default: `"fail"`.
    pub on_failure: OnFailure,
}

impl Default for Parallel {
    fn default() -> Self {
        Self { bound: 4, join: Join::All, on_failure: OnFailure::Fail }
    }
}

/// What becomes of several answers to one question.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Join {
    /// All answers in the order of the members, each under the member's name.
    #[default]
    All,
    /// The answer that arrives first; the other members are cancelled.
    First,
    /// The answer that most members give, compared without the white space around it. Of equally frequent ones the
    /// one of the earliest member.
    Vote,
    /// The answer of the named member, who reads all other answers and does not answer the question itself.
    Member(String),
}

/// Settings of a team in which a member chooses who answers.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Router {
    /// Name of the member that chooses. Its answer has to contain the name of exactly one other member.
    pub router: String,
    /// Name of the member that answers when the choice cannot be understood. Default: the team fails.
    pub default: Option<String>,
}

/// Settings of a team whose members hand the conversation over.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Handoff {
    /// Name of the member that receives each question first.
    pub start: String,
    /// Maximum number of times that a question may be handed over. Default: 8.
    #[serde(default = "eight")]
    pub max: usize,
}

fn eight() -> usize {
    8
}

/// Settings of a team with one member that calls the others.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Lead {
    /// Name of the member that answers.
    pub lead: String,
}

impl Router {
    /// Creates the settings of a team in which `router` chooses and nobody answers by default.
    #[must_use]
    pub fn new(router: impl Into<String>) -> Self {
        Self { router: router.into(), default: None }
    }
}

impl Handoff {
    /// Creates the settings of a team in which `start` receives each question.
    #[must_use]
    pub fn new(start: impl Into<String>) -> Self {
        Self { start: start.into(), max: eight() }
    }
}

impl Lead {
    /// Creates the settings of a team in which `lead` answers.
    #[must_use]
    pub fn new(lead: impl Into<String>) -> Self {
        Self { lead: lead.into() }
    }
}

impl TeamKind {
    /// What the failure of a member means in this kind of team.
    pub(super) fn on_failure(&self) -> OnFailure {
        match self {
            Self::Parallel(config) => config.on_failure,
            Self::Graph(graph) => graph.on_failure,
            _ => OnFailure::Fail,
        }
    }
}
