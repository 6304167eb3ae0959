//! Teams: several agents that work on one question, as one state machine.
//!
//! | kind | who works on a question |
//! |---|---|
//! | [`Sequential`] | one member after the other, each on the answer of the one before |
//! | list, dict ([`Container`]) | one member after the other, each on the question |
//! | [`Parallel`] | all members at the same time, up to a bound; the answers are joined |
//! | [`Graph`] | members along typed edges; a member starts when its edges have arrived |
//! | [`Router`] | a member chooses who answers |
//! | [`Handoff`] | one member at a time, which may hand the conversation over |
//! | [`Lead`] | one member, which calls the others as tools |
//!
//! In every kind a member may call others as tools, as [`MemberSpec::calls`] says. A team is a pure function of
//! its events, as a single agent is, and its members may be teams themselves.

mod check;
mod config;
mod error;
mod graph;
mod kind;
mod loaded;
mod member_tools;
mod on_failure;
mod plan;
mod routing;
mod spec;
mod team_run;

pub use config::{MemberConfig, MemberSource, TeamConfig};
pub use error::TeamError;
pub use graph::{Carry, Condition, Edge, Graph};
pub use kind::{Container, Handoff, Join, Lead, Parallel, Router, Sequential, TeamKind};
pub use loaded::LoadedTeam;
pub use on_failure::OnFailure;
pub use spec::{MemberKind, MemberSpec, TeamSpec};
pub use team_run::TeamRun;
