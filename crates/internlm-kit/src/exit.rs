//! Exit codes, one contract for all binaries, and the one place where an error becomes text.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | the work is done |
//! | 1 | the work failed: a full disk, a server that broke off, a training run whose loss is not finite |
//! | 2 | the input or the usage is wrong: a missing file, a bad value, an unknown flag |
//! | 3 | some items or cells failed, the rest is done |
//! | 130 | interrupted a second time, without waiting for the work in progress |
//! | 141 | the reader of standard output closed it (`\| head -1`); ends without a word |

use std::error::Error;
#[cfg(feature = "cli")]
use std::io;
use std::io::Write;
use std::process::ExitCode;

pub use crate::bad_input::{BadInput, UsageError};

/// How a binary of the workspace ends when it does not succeed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Failure {
    /// The work itself failed: exit code 1.
    Failed,
    /// The input or the usage was wrong: exit code 2.
    BadInput,
    /// Some cells or items failed, the rest is done: exit code 3.
    Partial,
}

impl Failure {
    /// The process exit code.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::BadInput => 2,
            Self::Partial => 3,
        }
    }
}

impl From<Failure> for ExitCode {
    fn from(failure: Failure) -> Self {
        Self::from(failure.code())
    }
}

/// Exit code of a verb whose reader closed the pipe: 128 + SIGPIPE, as a shell shows it.
#[cfg(feature = "cli")]
const CLOSED_PIPE: u8 = 141;

/// Runs a binary: starts logging, runs the verb, prints its error and gives the exit code of the contract above.
///
/// `E` is the crate's error. It, [`ConfigError`](crate::config::ConfigError), [`FileError`](crate::file::FileError)
/// and [`UsageError`] are found anywhere in the chain of causes; other errors count as failures of the work.
///
/// ```no_run
/// # #[derive(Debug, thiserror::Error)] #[error("x")] struct Error;
/// # impl internlm_kit::exit::BadInput for Error { fn is_bad_input(&self) -> bool { true } }
/// # fn run() -> anyhow::Result<()> { Ok(()) }
/// fn main() -> std::process::ExitCode {
///     internlm_kit::exit::main::<Error, _>(run)
/// }
/// ```
#[cfg(feature = "cli")]
pub fn main<E, T>(run: impl FnOnce() -> anyhow::Result<T>) -> ExitCode
where
    E: Error + BadInput + Send + Sync + 'static,
    T: std::process::Termination,
{
    crate::logging::init();
    match run() {
        Ok(done) => done.report(),
        Err(error) if error.chain().any(is_closed_pipe) => ExitCode::from(CLOSED_PIPE),
        Err(error) => {
            let at_fault = error.chain().any(is_bad_input::<E>);
            report(error.as_ref(), if at_fault { Failure::BadInput } else { Failure::Failed })
        }
    }
}

#[cfg(feature = "cli")]
fn is_closed_pipe(cause: &(dyn Error + 'static)) -> bool {
    cause.downcast_ref::<io::Error>().is_some_and(crate::file::ClosedPipe::is)
}

#[cfg(feature = "cli")]
fn is_bad_input<E: Error + BadInput + 'static>(cause: &(dyn Error + 'static)) -> bool {
    fn says<T: Error + BadInput + 'static>(cause: &(dyn Error + 'static)) -> bool {
        cause.downcast_ref::<T>().is_some_and(BadInput::is_bad_input)
    }
    #[cfg(feature = "sandbox")]
    if says::<crate::sandbox::SandboxError>(cause) {
        return true;
    }
    says::<E>(cause)
        || says::<crate::config::ConfigError>(cause)
        || says::<crate::file::FileError>(cause)
        || says::<UsageError>(cause)
}

/// Prints `error: ...` with its causes on stderr and gives the exit code.
///
/// A cause whose text the previous line already contains is not repeated.
pub fn report(error: &(dyn Error + 'static), failure: Failure) -> ExitCode {
    let mut stderr = std::io::stderr().lock();
    let mut shown = error.to_string();
    // A closed stderr leaves nobody to tell: the exit code still says it.
    let _ = writeln!(stderr, "error: {shown}");
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !shown.contains(&text) {
            let _ = writeln!(stderr, "  caused by: {text}");
            shown = text;
        }
        cause = error.source();
    }
    failure.into()
}
