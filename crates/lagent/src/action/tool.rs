//! The trait of everything that an agent can call.

use std::time::Duration;

use internlm_kit::sandbox::{Level, Sandbox};
use internlm_kit::stop::Stop;
use serde_json::Value;

use super::{ActionReturn, ToolSpec};

/// Time that a call may take when nobody says otherwise; also the default of `limits.tool-milliseconds`.
const DEADLINE: Duration = Duration::from_secs(60);

/// Whether a tool can run on this machine.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Readiness {
    /// Everything that the tool needs is installed or configured.
    Ready,
    /// A program or service is missing; calls would fail.
    Unavailable {
        /// What is missing, as `unavailable: needs PACKAGE or an endpoint KEY`.
        reason: String,
    },
}

/// Who calls a tool and how long it may take.
#[derive(Clone, Copy, Debug)]
pub struct CallContext<'a> {
    /// Identifier of the conversation; empty if there is only one. Tools that keep state or files keep them
    /// separately for each session.
    pub session: &'a str,
    /// Time after which nobody waits for the result any more.
    pub deadline: Duration,
    /// Requested when nobody wants the result any more, because the run was cancelled or the deadline has passed.
    /// Absent if the call cannot be cancelled.
    pub stop: Option<&'a Stop>,
}

impl CallContext<'_> {
    /// Returns the sandbox with this call's stop, so that the programs of a cancelled call are killed.
    #[must_use]
    pub fn confined(&self, sandbox: &Sandbox) -> Sandbox {
        self.stop.map_or_else(|| sandbox.clone(), |stop| sandbox.with_stop(stop.clone()))
    }
}

impl Default for CallContext<'_> {
    /// The only session, with a deadline of one minute, which cannot be cancelled.
    fn default() -> Self {
        Self { session: "", deadline: DEADLINE, stop: None }
    }
}

/// A tool that an agent can call.
///
/// [`Action::call`] may block for a long time: the live driver runs every call on its own thread.
pub trait Action: Send + Sync {
    /// Returns the definition that the model reads. It must not change while an agent runs.
    fn spec(&self) -> ToolSpec;

    /// Runs the tool. A failure is returned as a value whose state is not success; it never panics.
    fn call(&self, arguments: &Value) -> ActionReturn;

    /// Runs the tool for one session. Tools without state or files do not need to override it.
    fn call_in(&self, context: &CallContext<'_>, arguments: &Value) -> ActionReturn {
        let _ = context;
        self.call(arguments)
    }

    /// Checks whether the tool can run here. Called once, before the first question.
    fn readiness(&self) -> Readiness {
        Readiness::Ready
    }

    /// Returns the sandbox level that confines the code this tool runs, or `None` if it runs no code.
    fn sandbox_level(&self) -> Option<Level> {
        None
    }

    /// Says whether a person should approve each call unless the agent file decides otherwise. Default: false.
    fn needs_approval(&self) -> bool {
        false
    }
}
