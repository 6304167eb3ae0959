//! Memories: what the agents of a session have said, kept per agent and session.
//!
//! An agent is named by its path: the empty path is the agent itself, `planner` is its member, `planner.0` a
//! member of that member. The keys of a state add `memory` to the path (`memory`, `planner.memory`,
//! `planner.0.memory`), as lagent's `state_dict` does.

mod agent_memory;
mod config;
mod error;
mod in_process;
mod sqlite;
mod state;
mod store;

pub use agent_memory::{Load, Memory, Reset};
pub use config::MemoryConfig;
pub use error::MemoryError;
pub use in_process::InProcess;
pub use sqlite::Sqlite;
pub use store::Store;
