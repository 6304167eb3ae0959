//! [`Launcher`]: which kind of Python process is there, and how it starts.

use internlm_kit::sandbox::{Sandbox, Task};

use super::jupyter::JupyterKernel;
use super::plain::PlainKernel;
use super::runtime::Runtime;

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
