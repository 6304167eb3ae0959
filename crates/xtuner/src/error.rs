//! The one error type of the crate: what failed, where, what was found and what was expected.

use std::path::PathBuf;

use internlm_kit::exit::BadInput;
use internlm_kit::file::FileError;
use internlm_kit::problems::listed;

/// Shorthand for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a model could not be fine-tuned, merged or tested.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The system refused to read or write something.
    #[error(transparent)]
    File(#[from] FileError),
    /// A config that does not load or does not fit together.
    #[error(transparent)]
    Config(#[from] internlm_kit::config::ConfigError),
    /// A model, a tokenizer, a chat template or a weight file cannot be used.
    #[error(transparent)]
    Model(#[from] internlm_model::Error),
    /// The training loop ended with an error, or refused to start over another run.
    #[error(transparent)]
    Train(#[from] internlm_train::Error),
    /// A server that generates answers cannot be reached, or refuses what it is asked.
    #[error(transparent)]
    Served(#[from] lmdeploy::Error),
    /// A line of a data file that is not what its format says.
    #[error("{path}: line {line}: found {found}, expected {expected}")]
    Line {
        /// The file that the line is in.
        path: PathBuf,
        /// Line number, from 1.
        line: usize,
        /// Content of the line, or what is wrong with it.
        found: String,
        /// Content that the format asks for.
        expected: String,
    },
    /// Input that is well-formed but cannot be used together.
    #[error("{place}: found {found}, expected {expected}")]
    Mismatch {
        /// File, folder or config key.
        place: String,
        /// Value or content at that place.
        found: String,
        /// Values or content that would be accepted.
        expected: String,
    },
    /// An adapter that does not fit the model; all problems at once.
    #[error("{}", listed(path, "in the adapter", problems))]
    Adapter {
        /// The folder that holds the adapter.
        path: PathBuf,
        /// One entry for each tensor or key: its name, what was found, what was expected.
        problems: Vec<String>,
    },
}

impl Error {
    /// Makes an [`Error::Mismatch`] from anything that becomes text.
    pub fn mismatch(place: impl Into<String>, found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self::Mismatch { place: place.into(), found: found.into(), expected: expected.into() }
    }
}

impl BadInput for Error {
    fn is_bad_input(&self) -> bool {
        match self {
            Self::File(error) => error.is_bad_input(),
            Self::Model(error) => error.is_bad_input(),
            Self::Train(error) => error.is_bad_input(),
            Self::Config(error) => error.is_bad_input(),
            Self::Served(error) => error.is_bad_input(),
            Self::Line { .. } | Self::Mismatch { .. } | Self::Adapter { .. } => true,
        }
    }
}
