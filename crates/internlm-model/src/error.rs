//! The one error type of the crate.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use internlm_kit::exit::BadInput;
use internlm_kit::file::FileError;

use crate::TokenId;

/// Shorthand for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong; every variant names the file and what was found and expected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The system refused to read or write a file or folder.
    #[error(transparent)]
    File(#[from] FileError),
    /// A model config that is malformed, incomplete or contradicts itself; all problems at once.
    #[error("{path}: {} problem(s) in the model config:\n  - {}", problems.len(), problems.join("\n  - "))]
    Config {
        /// The file the config came from.
        path: PathBuf,
        /// Every problem: key, found, expected.
        problems: Vec<String>,
    },
    /// An architecture this crate does not implement.
    #[error("{path}: `{key}` is `{found}`, expected one of {known}")]
    Architecture {
        /// The file that names the architecture.
        path: PathBuf,
        /// The key that was read.
        key: &'static str,
        /// The value of `key` in the file.
        found: String,
        /// The architectures that are implemented.
        known: String,
    },
    /// Bytes that are not of the format they should be.
    #[error("{path}: at byte {offset}: {message}")]
    Format {
        /// The file with the bytes.
        path: PathBuf,
        /// Where in the file the problem was seen.
        offset: u64,
        /// What was found and expected.
        message: String,
    },
    /// Missing, surplus or mis-shaped tensors; all problems of a folder at once.
    #[error("{path}: {} problem(s) in the weights:\n  - {}", problems.len(), problems.join("\n  - "))]
    Weights {
        /// The folder or file.
        path: PathBuf,
        /// Every problem: file, tensor, found, expected.
        problems: Vec<String>,
    },
    /// A tokenizer file that cannot be used.
    #[error("{path}: tokenizer: {message}")]
    Tokenizer {
        /// The vocabulary or its config.
        path: PathBuf,
        /// What was found and expected.
        message: String,
    },
    /// A chat template that cannot be rendered, or messages that do not fit it.
    #[error("chat template: {0}")]
    Chat(String),
    /// Something of a conversation that the model's own chat template never shows.
    #[error("chat template: found {what}, expected none: this model's chat template has no place for {what}")]
    NoPlace {
        /// What there is no place for: `tools`, `tool calls`.
        what: &'static str,
    },
    /// A device name that is unknown or not compiled in.
    #[error("device `{found}`: {expected}")]
    Device {
        /// The name as given.
        found: String,
        /// The names that are accepted, or the feature that the build lacks.
        expected: String,
    },
    /// An id that the vocabulary does not have.
    #[error("token id at index {index}: found {found}, expected an id below the vocabulary's {vocab}")]
    UnknownToken {
        /// Where in the list of ids it is.
        index: usize,
        /// The id as given.
        found: TokenId,
        /// Rows of the embedding matrix.
        vocab: usize,
    },
    /// A tensor that a reader or writer cannot use.
    #[error("tensor {name}: {problem}")]
    Tensor {
        /// The tensor's name in the form that is read or written.
        name: String,
        /// What was found and expected.
        problem: String,
    },
    /// A model that the form to be written cannot hold; all reasons at once.
    #[error("this model has no {form} form:\n  - {}", problems.join("\n  - "))]
    Form {
        /// The form: `InternEvo`, `Hugging Face LLaMA`.
        form: &'static str,
        /// Every reason: key, found, expected.
        problems: Vec<String>,
    },
    /// A file that cannot be written because of what it should contain.
    #[error("{path}: {problem}")]
    Unwritable {
        /// The file that was to be written.
        path: PathBuf,
        /// What was found and expected.
        problem: String,
    },
    /// A JSON file given as input that has not the expected form.
    #[error("{path}: expected {expected}: {message}")]
    Json {
        /// The file as named on the command line.
        path: PathBuf,
        /// What the file should hold: `a JSON list of ids`.
        expected: &'static str,
        /// What the parser found, with line and column.
        message: String,
    },
    /// An argument outside of its range.
    #[error("{name}: found {found}, expected {expected}")]
    Argument {
        /// The argument: a parameter, a config field or a command-line option.
        name: String,
        /// The value as given.
        found: String,
        /// The range or form that is accepted.
        expected: String,
    },
    /// A generation that cannot start; all reasons at once.
    #[error("{}", problems.join("; "))]
    Generation {
        /// Every reason: setting, found, expected.
        problems: Vec<String>,
    },
    /// Everything `inspect` found wrong with a model.
    #[error("{path}: {} problem(s):\n{}", problems.len(), problems.join("\n"))]
    Model {
        /// The folder or file.
        path: PathBuf,
        /// The message of every problem.
        problems: Vec<String>,
    },
}

impl Error {
    /// A format error at `offset` of `path`.
    pub(crate) fn format(path: &Path, offset: u64, message: impl Into<String>) -> Self {
        Self::Format { path: path.to_path_buf(), offset, message: message.into() }
    }

    /// A tensor that cannot be used.
    pub(crate) fn tensor(name: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Tensor { name: name.into(), problem: problem.into() }
    }

    /// An argument outside of its range.
    pub(crate) fn argument(
        name: impl Into<String>,
        found: impl Display,
        expected: impl Into<String>,
    ) -> Self {
        Self::Argument { name: name.into(), found: found.to_string(), expected: expected.into() }
    }

    /// A tokenizer error about `path`.
    pub(crate) fn tokenizer(path: &Path, message: impl Into<String>) -> Self {
        Self::Tokenizer { path: path.to_path_buf(), message: message.into() }
    }
}

impl BadInput for Error {
    /// All of them name something that was given, except for files that the system could not read or write.
    fn is_bad_input(&self) -> bool {
        match self {
            Self::File(error) => error.is_bad_input(),
            _ => true,
        }
    }
}
