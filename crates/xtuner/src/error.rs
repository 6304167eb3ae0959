//! The one error type of the crate: what failed, where, what was found and what was expected.

use std::io;
use std::path::{Path, PathBuf};

/// Shorthand for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a model could not be fine-tuned, merged or tested.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The system refused to read or write something.
    #[error("{path}: cannot {action}: {source}")]
    Io {
        /// What was touched.
        path: PathBuf,
        /// What was tried: `read`, `write`, `copy`.
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A config that does not load or does not fit together.
    #[error(transparent)]
    Config(#[from] internlm_kit::config::ConfigError),
    /// A model, a tokenizer, a chat template or a weight file.
    #[error(transparent)]
    Model(#[from] internlm_model::Error),
    /// The training loop.
    #[error(transparent)]
    Train(#[from] internlm_train::Error),
    /// A line of a data file that is not what its format says.
    #[error("{path}: line {line}: found {found}, expected {expected}")]
    Line {
        /// The data file.
        path: PathBuf,
        /// Line number, from 1.
        line: usize,
        /// What is there.
        found: String,
        /// What should be there.
        expected: String,
    },
    /// Input that is well-formed but cannot be used together.
    #[error("{place}: found {found}, expected {expected}")]
    Mismatch {
        /// File, folder or config key.
        place: String,
        /// What is there.
        found: String,
        /// What should be there.
        expected: String,
    },
    /// An adapter that does not fit the model; all problems at once.
    #[error("{path}: {} problem(s) in the adapter:\n  - {}", problems.len(), problems.join("\n  - "))]
    Adapter {
        /// The adapter folder.
        path: PathBuf,
        /// Every problem: tensor or key, found, expected.
        problems: Vec<String>,
    },
}

impl Error {
    /// Turns an I/O error into [`Error::Io`]: `.map_err(Error::io(path, "read"))`.
    pub fn io(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { path, action, source }
    }

    /// Shorthand for [`Error::Mismatch`].
    pub fn mismatch(place: impl Into<String>, found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self::Mismatch { place: place.into(), found: found.into(), expected: expected.into() }
    }

    /// Whether the input or the usage is at fault (exit code 2) and not the work itself (exit code 1).
    #[must_use]
    pub fn is_bad_input(&self) -> bool {
        match self {
            Self::Io { action, source, .. } => {
                *action != "write"
                    && matches!(
                        source.kind(),
                        io::ErrorKind::NotFound
                            | io::ErrorKind::IsADirectory
                            | io::ErrorKind::NotADirectory
                            | io::ErrorKind::InvalidData
                    )
            }
            Self::Model(error) => internlm_kit::exit::BadInput::is_bad_input(error),
            Self::Train(error) => error.is_bad_input(),
            Self::Config(_) | Self::Line { .. } | Self::Mismatch { .. } | Self::Adapter { .. } => true,
        }
    }
}
