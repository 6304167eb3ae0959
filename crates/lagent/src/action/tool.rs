//! The trait of everything that an agent can call.

use internlm_kit::sandbox::Level;
use serde_json::Value;

use super::{ActionReturn, ToolSpec};

/// Whether a tool can run on this machine.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Readiness {
    /// Everything that the tool needs is installed.
    Ready,
    /// A program or service is missing; calls would fail.
    Unavailable {
        /// The missing program, as `unavailable: needs PROGRAM`.
        reason: String,
    },
}

/// A tool that an agent can call.
///
/// [`Action::call`] may block for a long time: the live driver runs every call on its own thread.
pub trait Action: Send + Sync {
    /// Returns the definition that the model reads. It must not change while an agent runs.
    fn spec(&self) -> ToolSpec;

    /// Runs the tool. A failure is returned as a value whose state is not success; it never panics.
    fn call(&self, arguments: &Value) -> ActionReturn;

    /// Checks whether the tool can run here. Called once, before the first question.
    fn readiness(&self) -> Readiness {
        Readiness::Ready
    }

    /// Returns the sandbox level that confines the code this tool runs, or `None` if it runs no code.
    fn sandbox_level(&self) -> Option<Level> {
        None
    }
}
