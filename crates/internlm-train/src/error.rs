//! The one error type of this crate: what failed, where, what was found and what was expected.

use std::path::PathBuf;

use internlm_kit::exit::BadInput;
use internlm_kit::file::FileError;
use internlm_kit::journal::JournalError;
use internlm_kit::run_folder::OtherRun;

/// Shorthand for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a model could not be trained, evaluated or exported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The system refused to read, write or list something.
    #[error(transparent)]
    File(#[from] FileError),
    /// `metrics.jsonl` cannot be written, for instance because another process trains into the same folder.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A config that does not load or does not fit together.
    #[error(transparent)]
    Config(#[from] internlm_kit::config::ConfigError),
    /// The run folder holds a run of other settings.
    #[error(transparent)]
    OtherRun(#[from] OtherRun),
    /// A model, a tokenizer or a weight file cannot be used.
    #[error(transparent)]
    Model(#[from] internlm_model::Error),
    /// A shard folder or a shard cannot be used.
    #[error(transparent)]
    Shard(#[from] wanjuan_data::Error),
    /// A token id that the model has no embedding for.
    #[error(
        "{path}: document {document}: found token id {found}, expected an id below the model's vocab {vocab}"
    )]
    TokenOutOfVocab {
        /// The shard that holds the document.
        path: PathBuf,
        /// Index of the document in the shard, from 0.
        document: usize,
        /// The id as it is stored; negative ids are inputs that are not predicted.
        found: i64,
        /// `model.vocab`, the number of embeddings.
        vocab: usize,
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
    /// A checkpoint that is incomplete, damaged, or of a model of another shape.
    #[error("{path}: not a usable checkpoint: found {found}, expected {expected}")]
    Checkpoint {
        /// The checkpoint folder or the file in it.
        path: PathBuf,
        /// Content of the folder or file.
        found: String,
        /// Content of a usable checkpoint.
        expected: String,
    },
    /// Loss or gradients remained NaN or infinite for `monitor.max-skipped` steps.
    #[error(
        "step {step}: {skipped} steps in a row had a loss or gradient that is not finite, first in `{tensor}`; lower optim.lr or look at the data of these steps"
    )]
    NotFinite {
        /// Number of the last of these steps, from 1.
        step: u64,
        /// Number of consecutive steps.
        skipped: u64,
        /// The first parameter with such a gradient, or `loss`.
        tensor: String,
    },
    /// A helper thread ended without a result.
    #[error("the {name} thread ended without a result")]
    Thread {
        /// `save` writes checkpoints, `loader` packs rows.
        name: &'static str,
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
            Self::Journal(error) => error.is_bad_input(),
            Self::Model(error) => error.is_bad_input(),
            Self::Shard(error) => error.is_bad_input(),
            Self::Config(error) => error.is_bad_input(),
            Self::OtherRun(_)
            | Self::TokenOutOfVocab { .. }
            | Self::Mismatch { .. }
            | Self::Checkpoint { .. } => true,
            Self::NotFinite { .. } | Self::Thread { .. } => false,
        }
    }
}
