//! Exit codes and the one place where an error becomes text.

use std::error::Error;
use std::io::Write;
use std::process::ExitCode;

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
    ExitCode::from(failure.code())
}
