//! The one error type of this crate: what failed, where, what was found and what was expected.

use std::io;
use std::path::{Path, PathBuf};

use internlm_kit::exit::BadInput;

/// Shorthand for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a model could not be trained, evaluated or exported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The system refused to read, write or list something.
    #[error("{path}: cannot {action}: {source}")]
    Io {
        /// What was touched.
        path: PathBuf,
        /// What was tried: `read`, `write`, `list`, ...
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A config that does not load or does not fit together.
    #[error(transparent)]
    Config(#[from] internlm_kit::config::ConfigError),
    /// A model, a tokenizer or a weight file.
    #[error(transparent)]
    Model(#[from] internlm_model::Error),
    /// A shard folder or a shard.
    #[error(transparent)]
    Shard(#[from] wanjuan_data::Error),
    /// A token id that the model has no embedding for.
    #[error(
        "{path}: document {document}: found token id {found}, expected an id below the model's vocab {vocab}"
    )]
    TokenOutOfVocab {
        /// The shard.
        path: PathBuf,
        /// Index of the document in the shard.
        document: usize,
        /// The id.
        found: i64,
        /// `model.vocab`.
        vocab: usize,
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
    /// A checkpoint that is not what it says it is.
    #[error("{path}: not a usable checkpoint: found {found}, expected {expected}")]
    Checkpoint {
        /// The checkpoint folder or the file in it.
        path: PathBuf,
        /// What is there.
        found: String,
        /// What should be there.
        expected: String,
    },
    /// Loss or gradients stayed NaN or infinite.
    #[error(
        "step {step}: {skipped} steps in a row had a loss or gradient that is not finite, first in `{tensor}`; lower optim.lr or look at the data of these steps"
    )]
    NotFinite {
        /// The last of the steps.
        step: u64,
        /// How many in a row.
        skipped: u64,
        /// The first parameter with such a gradient, or `loss`.
        tensor: String,
    },
    /// A helper thread ended without a result.
    #[error("the {name} thread ended without a result")]
    Thread {
        /// Which one: `save`, `loader`.
        name: &'static str,
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
            Self::Io { source, .. } => matches!(
                source.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::IsADirectory | io::ErrorKind::NotADirectory
            ),
            Self::Model(error) => internlm_kit::exit::BadInput::is_bad_input(error),
            Self::Shard(error) => error.is_bad_input(),
            Self::Config(_)
            | Self::TokenOutOfVocab { .. }
            | Self::Mismatch { .. }
            | Self::Checkpoint { .. } => true,
            Self::NotFinite { .. } | Self::Thread { .. } => false,
        }
    }
}
