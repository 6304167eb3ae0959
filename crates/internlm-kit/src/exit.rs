//! Exit codes, one contract for all binaries, and the one place where an error becomes text.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | the work is done |
//! | 1 | the work failed: a full disk, a server that closed the connection in the middle, a training run whose loss is not finite |
//! | 2 | the input or the usage is wrong: a missing file, a bad value, an unknown flag, a server or a program that is not there before anything was done |
//! | 3 | some items or cells failed, the rest is done |
//! | 130 | interrupted a second time, without waiting for the work in progress |
//! | 124 to 127 | only of verbs that run another program: its time was up, it could not be run, it may not be executed, it is not there; otherwise they end with the code of that program |
//! | 141 | the reader of standard output closed it (`\| head -1`); prints no message |

use std::error::Error;
#[cfg(feature = "cli")]
use std::io;
use std::io::Write;
use std::process::ExitCode;

pub use crate::bad_input::{BadInput, UsageError};
use crate::visible::visible_on;

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
        Err(error) => report(error.as_ref(), failure::<E>(&error)),
    }
}

#[cfg(feature = "cli")]
fn failure<E: Error + BadInput + 'static>(error: &anyhow::Error) -> Failure {
    if error.chain().any(is_bad_input::<E>) { Failure::BadInput } else { Failure::Failed }
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
    // An error quotes what others wrote.
    let text = message(error);
    let shown = visible_on(&text, &std::io::stderr());
    // A closed stderr leaves nobody to tell: the exit code still says it.
    let _ = std::io::stderr().lock().write_all(shown.as_bytes());
    failure.into()
}

fn message(error: &(dyn Error + 'static)) -> String {
    let mut shown = error.to_string();
    let mut lines = vec![format!("error: {shown}\n")];
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !shown.contains(&text) {
            lines.push(format!("  caused by: {text}\n"));
            shown = text;
        }
        cause = error.source();
    }
    lines.concat()
}

#[cfg(test)]
mod tests {
    use std::io::Error as IoError;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    enum Sample {
        #[error("a.toml: found 1, expected 2")]
        Input,
        #[error("cannot finish: {0}")]
        Work(#[source] IoError),
        #[error("step 3")]
        Step(#[source] Box<Sample>),
    }

    impl BadInput for Sample {
        fn is_bad_input(&self) -> bool {
            matches!(self, Self::Input)
        }
    }

    #[test]
    fn a_cause_that_the_line_before_contains_is_not_repeated() {
        assert_eq!(message(&Sample::Input), "error: a.toml: found 1, expected 2\n");
        let work = Sample::Work(IoError::other("the disk is full"));
        assert_eq!(message(&work), "error: cannot finish: the disk is full\n");
        let step = Sample::Step(Box::new(work));
        let text = "error: step 3\n  caused by: cannot finish: the disk is full\n";
        assert_eq!(message(&step), text);
    }

    #[test]
    fn failures_have_the_codes_of_the_table() {
        let codes = [Failure::Failed, Failure::BadInput, Failure::Partial].map(Failure::code);
        assert_eq!(codes, [1, 2, 3]);
    }

    #[cfg(feature = "cli")]
    #[test]
    fn whose_fault_it_is_is_found_anywhere_among_the_causes() {
        use std::io::ErrorKind;
        let file = |kind: ErrorKind| crate::file::FileError::new("a", "write", kind.into());
        let cases: [(anyhow::Error, Failure); 7] = [
            (Sample::Input.into(), Failure::BadInput),
            (anyhow::Error::from(Sample::Input).context("while reading"), Failure::BadInput),
            (Sample::Step(Box::new(Sample::Work(ErrorKind::Other.into()))).into(), Failure::Failed),
            (file(ErrorKind::NotFound).into(), Failure::BadInput),
            (file(ErrorKind::StorageFull).into(), Failure::Failed),
            (UsageError("--a and --b exclude each other".to_owned()).into(), Failure::BadInput),
            (anyhow::anyhow!("something else"), Failure::Failed),
        ];
        for (error, expected) in cases {
            assert_eq!(failure::<Sample>(&error), expected, "{error:?}");
        }
    }

    #[cfg(feature = "cli")]
    #[test]
    fn only_the_closed_pipe_of_an_output_ends_quietly() {
        use crate::file::{ClosedPipe, FileError};
        let broken = || IoError::from(std::io::ErrorKind::BrokenPipe);
        let output = FileError::new("-", "write", ClosedPipe::mark(broken()));
        assert!(anyhow::Error::from(output).chain().any(is_closed_pipe));
        let server = Sample::Work(broken());
        assert!(!anyhow::Error::from(server).chain().any(is_closed_pipe));
    }
}
