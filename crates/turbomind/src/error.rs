//! [`Error`]: everything that can go wrong, and which of it is the caller's input.

use std::fmt::Display;
use std::path::PathBuf;

/// Result with the crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a model does not load or a pass does not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// `internlm-model` could not read the model's files.
    #[error(transparent)]
    Model(#[from] internlm_model::Error),
    /// The tensors of a model cannot become tiles; all problems at once.
    #[error("{}: {}", path.display(), problems.join("; "))]
    Weights {
        /// Model file or folder.
        path: PathBuf,
        /// One sentence each: tensor, place, found, expected.
        problems: Vec<String>,
    },
    /// A setting, option or argument is outside of what the model or the engine allows.
    #[error("{name}: found {found}, expected {expected}")]
    Argument {
        /// The setting, in the caller's words: `pass`, `instruction set`, `--window`.
        name: String,
        /// The value as given.
        found: String,
        /// The values that are allowed.
        expected: String,
    },
    /// A step that the model or the engine's limits do not allow; nothing was computed.
    #[error("step {step}: found {found}, expected {expected}")]
    Step {
        /// Index into the steps of the pass.
        step: usize,
        /// What the step asks for.
        found: String,
        /// What is possible.
        expected: String,
    },
    /// A shape that a pool of keys and values cannot have; all problems at once.
    #[error("pool of keys and values: {}", problems.join("; "))]
    KvShape {
        /// One sentence each: field, found, expected.
        problems: Vec<String>,
    },
    /// A JSON file that does not hold what it should.
    #[error("{}: expected {expected}: {source}", path.display())]
    Json {
        /// The file, or the name of the option that the text came from.
        path: PathBuf,
        /// What the file should hold.
        expected: &'static str,
        /// Where and why reading stopped.
        source: serde_json::Error,
    },
    /// A file could not be read.
    #[error("{}: cannot read: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The numbers of a sequence left the range of floats. This is the model's doing: no input can be blamed.
    #[error("layer {layer}, sequence {sequence}: found NaN or infinity in the hidden state")]
    NonFinite {
        /// The first layer whose input shows it; the number of layers for the head.
        layer: usize,
        /// Index into the steps of the pass.
        sequence: usize,
    },
    /// The system could not provide memory.
    #[error("cannot allocate {bytes} bytes for {what}: {source}")]
    Memory {
        /// What the memory is for.
        what: &'static str,
        /// How much was asked for.
        bytes: usize,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The system could not start a thread of the pool.
    #[error("cannot start thread {index} of the pool: {source}")]
    Thread {
        /// Number of the thread, from 1.
        index: usize,
        /// The system's answer.
        source: std::io::Error,
    },
    /// A job entered a phase inside of a phase, which would never end: a fault of the code that wrote the job.
    #[error("found a phase inside of a phase of the thread pool")]
    NestedPhase,
    /// A member of the thread pool panicked; the pool, and the engine that owns it, cannot be used any more.
    #[error("a thread of the pool panicked")]
    Poisoned,
}

impl Error {
    /// Whether the input or the usage is wrong (exit code 2), as opposed to the work itself (exit code 1).
    #[must_use]
    pub fn is_bad_input(&self) -> bool {
        match self {
            Self::Model(error) => error.is_bad_input(),
            Self::Weights { .. }
            | Self::Argument { .. }
            | Self::Step { .. }
            | Self::KvShape { .. }
            | Self::Json { .. }
            | Self::File { .. } => true,
            Self::NonFinite { .. }
            | Self::Memory { .. }
            | Self::Thread { .. }
            | Self::NestedPhase
            | Self::Poisoned => false,
        }
    }

    pub(crate) fn argument(name: impl Into<String>, found: impl Display, expected: impl Display) -> Self {
        Self::Argument { name: name.into(), found: found.to_string(), expected: expected.to_string() }
    }

    pub(crate) fn step(step: usize, found: impl Display, expected: impl Display) -> Self {
        Self::Step { step, found: found.to_string(), expected: expected.to_string() }
    }
}
