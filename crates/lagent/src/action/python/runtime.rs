//! What the two kinds of Python process have in common, and which of them is there.

use std::time::Duration;

use internlm_kit::sandbox::{Sandbox, Task};

use super::cell::Cell;
use super::jupyter::JupyterKernel;
use super::plain::PlainKernel;

/// How long a process may take to start.
pub(super) const START: Duration = Duration::from_secs(60);
/// How long code may take to end after an interrupt, before it is killed.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);

/// A Python process that keeps its variables from one piece of code to the next.
pub(super) trait Runtime: Send + std::fmt::Debug {
    /// Runs a piece of code: an interrupt after `timeout`, and the end of the process if that does not help.
    fn execute(&mut self, code: &str, timeout: Duration) -> Cell;

    /// Whether the process is still there.
    fn is_alive(&self) -> bool;
}

/// How to start a process.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Launcher {
    /// A Jupyter kernel of this Python.
    Jupyter(String),
    /// This Python alone.
    Plain(String),
}

impl Launcher {
    /// Jupyter where the Python has it, otherwise the Python alone.
    pub(super) fn detect(sandbox: &Sandbox, python: &str) -> Self {
        let probe = Task::new(python).args(["-c", "import ipykernel, zmq, IPython"]);
        match sandbox.run(&probe) {
            Ok(outcome) if outcome.status.is_success() => Self::Jupyter(python.to_owned()),
            _ => Self::Plain(python.to_owned()),
        }
    }

    /// Starts a process that is ready for code.
    pub(super) fn start(&self, sandbox: &Sandbox) -> Result<Box<dyn Runtime>, String> {
        Ok(match self {
            Self::Jupyter(python) => Box::new(JupyterKernel::start(sandbox, python)?),
            Self::Plain(python) => Box::new(PlainKernel::start(sandbox, python)?),
        })
    }
}
