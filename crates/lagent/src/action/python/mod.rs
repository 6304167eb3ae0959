//! Tools that run Python: a fresh process for each call, a notebook, and a shell. All of them run in the sandbox.

mod ansi;
mod cell;
mod code;
mod entries;
mod interactive;
mod interpreter;
mod ipython;
mod jupyter;
mod kernels;
mod launcher;
mod plain;
mod request;
mod runtime;

pub(super) use entries::ENTRIES;
pub use interactive::IPythonInteractive;
pub use interpreter::{Answer, PythonInterpreter};
pub use ipython::IPythonInterpreter;
