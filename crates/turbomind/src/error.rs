//! What can go wrong.

use std::path::PathBuf;

/// Result with the crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a model does not load or a pass does not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The model's files cannot be read.
    #[error(transparent)]
    Model(#[from] internlm_model::Error),
    /// Tensors that cannot become tiles.
    #[error("{}: {}", path.display(), problems.join("; "))]
    Weights {
        /// File or folder.
        path: PathBuf,
        /// One sentence each: tensor, place, found, expected.
        problems: Vec<String>,
    },
    /// A request that the limits or the model do not allow.
    #[error("{0}")]
    Invalid(String),
    /// A sequence's numbers left the range of floats.
    #[error("layer {layer}, sequence {sequence}: found NaN or infinity in the hidden state")]
    NonFinite {
        /// The layer whose input it is; the number of layers for the head.
        layer: usize,
        /// Index into the steps of the pass.
        sequence: usize,
    },
    /// The system has no room.
    #[error("{bytes} bytes for {what}: {source}")]
    Memory {
        /// What they are for.
        what: &'static str,
        /// How many.
        bytes: usize,
        /// The system's answer.
        source: std::io::Error,
    },
    /// A member of the thread pool panicked; the pool is unusable.
    #[error("a thread of the pool panicked")]
    Poisoned,
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
}

impl Error {
    /// Whether the input or the usage is wrong, as opposed to the work: exit code 2.
    #[must_use]
    pub fn is_bad_input(&self) -> bool {
        matches!(
            self,
            Self::Model(_)
                | Self::Weights { .. }
                | Self::Invalid(_)
                | Self::NonFinite { .. }
                | Self::File { .. }
        )
    }
}
