//! The one error type of this crate: what failed, where, what was found and what was expected.

use std::path::PathBuf;

use internlm_kit::exit::BadInput;
use internlm_kit::file::FileError;

/// Shorthand for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why data could not be read, processed or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The system refused to read, write or list something.
    #[error(transparent)]
    File(#[from] FileError),
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
        /// What the folder or file holds.
        found: String,
        /// What the folder or file should hold.
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
    /// The journal of a run cannot be opened, because another process has it or the system refuses it.
    #[cfg(feature = "pipeline")]
    #[error(transparent)]
    Journal(#[from] internlm_kit::journal::JournalError),
    /// An index of n-grams cannot be read, or is not one.
    #[cfg(feature = "pipeline")]
    #[error(transparent)]
    NgramIndex(#[from] internlm_kit::ngrams::NgramIndexError),
    /// The tokenizer could not be trained, loaded or saved.
    #[cfg(feature = "pipeline")]
    #[error("tokenizer: {0}")]
    Tokenizer(#[from] internlm_model::Error),
    /// The caller asked a run to stop before it was complete. What is finished is kept.
    #[error("stopped before the run was complete; the same command resumes it")]
    Stopped,
    /// An external program that the config asks for cannot be run.
    #[error("cannot run `{command}`: {message}")]
    Command {
        /// The command line, as a user would type it.
        command: String,
        /// What the system or the program said.
        message: String,
    },
}

impl BadInput for Error {
    fn is_bad_input(&self) -> bool {
        match self {
            Self::File(error) => error.is_bad_input(),
            Self::Missing { .. } | Self::Format { .. } | Self::Unexpected { .. } | Self::Usage { .. } => true,
            Self::Command { .. } => true,
            Self::Config(error) => error.is_bad_input(),
            #[cfg(feature = "pipeline")]
            Self::Journal(error) => error.is_bad_input(),
            #[cfg(feature = "pipeline")]
            Self::NgramIndex(error) => error.is_bad_input(),
            #[cfg(feature = "pipeline")]
            Self::Tokenizer(error) => error.is_bad_input(),
            Self::Stopped => false,
        }
    }
}
