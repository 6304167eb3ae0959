//! The one error type of this crate: what failed, where, what was found and what was expected.

use std::io;
use std::path::{Path, PathBuf};

/// Shorthand for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why data could not be read, processed or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The system refused to read, write or list something.
    #[error("{path}: cannot {action}: {source}")]
    Io {
        /// The file or folder that was touched.
        path: PathBuf,
        /// The verb: `read`, `write`, `list`, ...
        action: &'static str,
        /// The cause, as the system names it.
        source: io::Error,
    },
    /// A required file or folder does not exist.
    #[error("{path}: found nothing, expected {expected}")]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
        /// What kind of file or folder was wanted.
        expected: &'static str,
    },
    /// A file does not have the format its name promises.
    #[error("{path}: byte {offset}: found {found}, expected {expected}")]
    Format {
        /// The file; `standard input` for what is piped in.
        path: PathBuf,
        /// Byte at which the wrong content starts.
        offset: u64,
        /// What is at that byte.
        found: String,
        /// What the format has there.
        expected: String,
    },
    /// A file or folder holds something else than it should, as a whole and not at one byte.
    #[error("{path}: found {found}, expected {expected}")]
    Unexpected {
        /// The folder or file that was read.
        path: PathBuf,
        /// What it holds.
        found: String,
        /// What it should hold.
        expected: String,
    },
    /// An option or argument that cannot be used as given.
    #[error("{option}: found {found}, expected {expected}")]
    Usage {
        /// The option as it is written on a command line.
        option: &'static str,
        /// Its value, and what is wrong with it.
        found: String,
        /// Values that can be used.
        expected: String,
    },
    /// A config that does not load or does not fit together.
    #[error(transparent)]
    Config(#[from] internlm_kit::config::ConfigError),
    /// The tokenizer could not be trained, loaded or saved.
    #[cfg(feature = "pipeline")]
    #[error("tokenizer: {0}")]
    Tokenizer(#[from] internlm_model::Error),
    /// An external program that the config asks for cannot be run.
    #[error("cannot run `{command}`: {message}")]
    Command {
        /// The command line.
        command: String,
        /// What the system or the program said.
        message: String,
    },
}

impl Error {
    /// Turns an I/O error into [`Error::Io`]: `.map_err(Error::io(path, "read"))`.
    pub fn io(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { path, action, source }
    }

    /// Whether the input or the usage is at fault (exit code 2) and not the work itself (exit code 1).
    #[must_use]
    pub fn is_bad_input(&self) -> bool {
        match self {
            Self::Io { source, .. } => {
                matches!(source.kind(), io::ErrorKind::NotFound | io::ErrorKind::IsADirectory)
                    || source.kind() == io::ErrorKind::NotADirectory
            }
            Self::Missing { .. } | Self::Format { .. } | Self::Unexpected { .. } | Self::Usage { .. } => true,
            Self::Config(_) => true,
            #[cfg(feature = "pipeline")]
            Self::Tokenizer(error) => error.is_bad_input(),
            Self::Command { .. } => true,
        }
    }
}
