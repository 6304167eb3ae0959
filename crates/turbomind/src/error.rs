//! [`Error`]: everything that can go wrong, and which of it is the caller's input.

use std::fmt::Display;
use std::path::PathBuf;

use internlm_kit::exit::BadInput;
use internlm_kit::file::FileError;
use internlm_kit::json::reason;

/// Result with the crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a model does not load or a pass does not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The files of a model cannot be used: `internlm-model` cannot read them, or they cannot become tiles.
    #[error(transparent)]
    Model(#[from] internlm_model::Error),
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
        /// What the model and the engine allow.
        expected: String,
    },
    /// A shape that a pool of keys and values cannot have; all problems at once.
    #[error("pool of keys and values: {}", problems.join("; "))]
    KvShape {
        /// One sentence each: field, found, expected.
        problems: Vec<String>,
    },
    /// A JSON file that does not hold what it should.
    #[error("{}: expected {expected}: {}", path.display(), reason(source))]
    Json {
        /// The file, or the name of the option that the text came from.
        path: PathBuf,
        /// What the file should hold.
        expected: &'static str,
        /// Where and why reading stopped.
        source: serde_json::Error,
    },
    /// A file of ids or text could not be read.
    #[error(transparent)]
    File(#[from] FileError),
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
        /// The answer of the operating system.
        source: std::io::Error,
    },
    /// The system could not start a thread of the pool.
    #[error("cannot start thread {index} of the pool: {source}")]
    Thread {
        /// Number of the thread, from 1.
        index: usize,
        /// The answer of the operating system.
        source: std::io::Error,
    },
    /// A job entered a phase inside of a phase, which would never end: a fault of the code that wrote the job.
    #[error("found a phase inside of a phase of the thread pool")]
    NestedPhase,
    /// A member of the thread pool panicked; the pool, and the engine that owns it, cannot be used any more.
    #[error("a thread of the pool panicked; load the engine again")]
    Poisoned,
}

impl BadInput for Error {
    fn is_bad_input(&self) -> bool {
        match self {
            Self::Model(error) => error.is_bad_input(),
            Self::File(error) => error.is_bad_input(),
            Self::Argument { .. } | Self::Step { .. } | Self::KvShape { .. } | Self::Json { .. } => true,
            Self::NonFinite { .. }
            | Self::Memory { .. }
            | Self::Thread { .. }
            | Self::NestedPhase
            | Self::Poisoned => false,
        }
    }
}

impl Error {
    /// Tensors or settings of the model at `path` that cannot become tiles; all problems at once.
    pub(crate) fn weights(path: impl Into<PathBuf>, problems: Vec<String>) -> Self {
        Self::Model(internlm_model::Error::Weights { path: path.into(), problems })
    }

    pub(crate) fn argument(name: impl Into<String>, found: impl Display, expected: impl Display) -> Self {
        Self::Argument { name: name.into(), found: found.to_string(), expected: expected.to_string() }
    }

    pub(crate) fn step(step: usize, found: impl Display, expected: impl Display) -> Self {
        Self::Step { step, found: found.to_string(), expected: expected.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Error as IoError, ErrorKind};

    use super::*;

    #[test]
    fn messages_name_place_found_and_expected_and_blame_whom_they_should() {
        let source = || IoError::from(ErrorKind::NotFound);
        let json = serde_json::from_str::<u32>("x").expect_err("not a number");
        let table = [
            (
                Error::argument("pass", "9 tokens", "at most 8"),
                true,
                "pass: found 9 tokens, expected at most 8",
            ),
            (
                Error::step(3, "block 7", "blocks below 4"),
                true,
                "step 3: found block 7, expected blocks below 4",
            ),
            (
                Error::KvShape { problems: vec!["a".into(), "b".into()] },
                true,
                "pool of keys and values: a; b",
            ),
            (Error::weights("m.gguf", vec!["x".into()]), true, "m.gguf: x"),
            (
                Error::Json { path: "i".into(), expected: "ids", source: json },
                true,
                "i: expected ids: found no JSON value",
            ),
            (FileError::new("i", "read", source()).into(), true, "i: cannot read: entity not found"),
            (Error::NonFinite { layer: 2, sequence: 0 }, false, "layer 2, sequence 0: found NaN or infinity"),
            (
                Error::Memory { what: "keys", bytes: 64, source: source() },
                false,
                "cannot allocate 64 bytes for keys",
            ),
            (Error::Thread { index: 1, source: source() }, false, "cannot start thread 1 of the pool"),
            (Error::NestedPhase, false, "found a phase inside of a phase"),
            (Error::Poisoned, false, "a thread of the pool panicked; load the engine again"),
        ];
        for (error, bad_input, text) in table {
            assert!(error.to_string().starts_with(text), "found {error}, expected {text}");
            assert_eq!(error.is_bad_input(), bad_input, "{error}");
        }
    }
}
