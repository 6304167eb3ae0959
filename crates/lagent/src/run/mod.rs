//! The agent's state machine: pure and serializable, without a clock, randomness or I/O.

mod agent_run;
mod agent_spec;
mod command;
mod event;
mod limits;
mod machine;
mod phase;

pub use agent_run::AgentRun;
pub use agent_spec::AgentSpec;
pub use command::{Command, FailReason};
pub use event::{Event, FailureKind, Finish, ModelOutcome, ToolOutcome};
pub use limits::{Approval, Counters, Limits, Sampling};
pub use machine::{Machine, Step};
pub use phase::{MachinePhase, Phase};
