//! Why a program could not be run in the sandbox. What the program itself did wrong is an
//! [`Outcome`](super::Outcome), not an error.

use std::io;

use super::Level;
use crate::bad_input::BadInput;

/// The sandbox could not do its work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// The level that was asked for does not work on this machine.
    #[error("sandbox level `{level}` is not available here: {reason}")]
    LevelUnavailable {
        /// The level asked for.
        level: Level,
        /// What is missing on this machine.
        reason: String,
    },
    /// `auto` found no level that works.
    #[error("no sandbox level is available here: {}", reasons.join("; "))]
    NothingAvailable {
        /// One reason per level.
        reasons: Vec<String>,
    },
    /// The program is not installed where a sandboxed program can see it.
    #[error("unavailable: needs {program} (looked in {searched})")]
    ProgramMissing {
        /// Name of the program, as given.
        program: String,
        /// The folders in which it was looked for.
        searched: String,
    },
    /// The path names something that cannot be executed.
    #[error("{program}: found {found}, expected a file that may be executed")]
    NotExecutable {
        /// The program, as given.
        program: String,
        /// What is there instead.
        found: &'static str,
    },
    /// A name of an input file that is not a plain file name.
    #[error("input file `{name}`: found a path, expected a plain file name")]
    FileName {
        /// The name as given.
        name: String,
    },
    /// The limits do not make sense.
    #[error("sandbox: {}", problems.join("; "))]
    Config {
        /// Every problem: setting, found, expected.
        problems: Vec<String>,
    },
    /// The system refused a step of setting the run up.
    #[error("sandbox: cannot {step}: {source}")]
    System {
        /// What was tried, to be read after "cannot".
        step: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl BadInput for SandboxError {
    fn is_bad_input(&self) -> bool {
        matches!(
            self,
            Self::LevelUnavailable { .. }
                | Self::ProgramMissing { .. }
                | Self::NotExecutable { .. }
                | Self::FileName { .. }
                | Self::Config { .. }
        )
    }
}

impl SandboxError {
    /// For `map_err`: an I/O error of one step.
    pub(super) fn system<E: Into<io::Error>>(step: &'static str) -> impl FnOnce(E) -> Self {
        move |source| Self::System { step, source: source.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_caller_asked_for_is_at_fault_and_not_the_machine() {
        let bad = [
            SandboxError::LevelUnavailable { level: Level::Bwrap, reason: "needs bubblewrap".to_owned() },
            SandboxError::ProgramMissing { program: "x".to_owned(), searched: "/bin".to_owned() },
            SandboxError::NotExecutable { program: "/etc/passwd".to_owned(), found: "a folder" },
            SandboxError::FileName { name: "../x".to_owned() },
            SandboxError::Config { problems: vec!["cpu-seconds: found 0".to_owned()] },
        ];
        assert!(bad.iter().all(BadInput::is_bad_input));
        let nothing = SandboxError::NothingAvailable { reasons: vec!["a".to_owned(), "b".to_owned()] };
        assert!(nothing.to_string().ends_with(": a; b") && !nothing.is_bad_input());
        let failed = SandboxError::system("start the program")(io::Error::other("no more processes"));
        assert_eq!(failed.to_string(), "sandbox: cannot start the program: no more processes");
        assert!(!failed.is_bad_input());
    }
}
