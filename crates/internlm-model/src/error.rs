//! The one error type of the crate.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use internlm_kit::exit::BadInput;
use internlm_kit::file::FileError;
use internlm_kit::problems::{lines, listed};

use crate::TokenId;

/// What has happened to a file that is too short.
const TRUNCATED: &str = "the download is not complete, or the file is one piece of a larger one";

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
    #[error("{}", listed(path, "in the model config", problems))]
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
    /// A file that ends before the data that its header promises.
    #[error("{path}: truncated: the file has {found} bytes, its header promises {expected}: {}", TRUNCATED)]
    Truncated {
        /// The file that is too short.
        path: PathBuf,
        /// Bytes that the file has.
        found: u64,
        /// Bytes that the header adds up to.
        expected: u64,
    },
    /// A file whose first bytes are those of another kind of file.
    #[error("{path}: found {found}, expected {expected}")]
    Kind {
        /// The file as it was given, or as it was found in a folder.
        path: PathBuf,
        /// What the first bytes say, with advice where there is some.
        found: String,
        /// The kind of file that belongs there.
        expected: &'static str,
    },
    /// The name of a model on a hub where a path is expected.
    #[error(
        "{path}: cannot read: no such file or folder. Models are not downloaded: download it and give the path of \
         the folder or GGUF file"
    )]
    NotDownloaded {
        /// What was given: `organization/model`.
        path: PathBuf,
    },
    /// Weights of a quantizer whose folders are not read.
    #[error(
        "{path}: quantized weights ({found}): expected floats, or AWQ, GPTQ or compressed-tensors of 4 bits"
    )]
    Quantized {
        /// The folder of the model.
        path: PathBuf,
        /// Method and width: `GPTQ, 4 bit`.
        found: String,
    },
    /// Missing, surplus or mis-shaped tensors; all problems of a folder at once.
    #[error("{}", listed(path, "in the weights", problems))]
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
        /// What there is no place for: `tools`.
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
    #[error("{}", found_in_model(path, problems))]
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

/// As [`listed`], for problems that are whole messages and name their files.
fn found_in_model(path: &Path, problems: &[String]) -> String {
    match problems {
        [problem] => problem.clone(),
        _ => format!("{}: {} problems:{}", path.display(), problems.len(), lines(problems, "\n")),
    }
}

/// The first names of a list and the number of the others: `a, b, c and 9 more`.
pub(crate) fn some_of<S: AsRef<str>>(names: &[S]) -> String {
    let first: Vec<&str> = names.iter().take(3).map(AsRef::as_ref).collect();
    match names.len() - first.len() {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn weights(count: usize) -> String {
        let problems = (0..count).map(|index| format!("tensor {index}: missing")).collect();
        Error::Weights { path: "m.gguf".into(), problems }.to_string()
    }

    #[test]
    fn one_problem_is_one_line_and_a_flood_is_counted() {
        assert_eq!(weights(1), "m.gguf: tensor 0: missing");
        assert_eq!(
            weights(2),
            "m.gguf: 2 problems in the weights:\n  - tensor 0: missing\n  - tensor 1: missing"
        );
        let flood = weights(198);
        assert_eq!(flood.lines().count(), 12, "{flood}");
        assert!(flood.ends_with("tensor 9: missing\n  - and 188 more"), "{flood}");
        let model = |problems: &[&str]| {
            let problems = problems.iter().map(ToString::to_string).collect();
            Error::Model { path: "m".into(), problems }.to_string()
        };
        assert_eq!(model(&["m/config.json: x"]), "m/config.json: x");
        assert_eq!(model(&["m/a: x", "m/b: y"]), "m: 2 problems:\nm/a: x\nm/b: y");
    }

    #[test]
    fn names_are_listed_up_to_three() {
        assert_eq!(some_of(&["a"]), "a");
        assert_eq!(some_of(&["a", "b", "c"]), "a, b, c");
        assert_eq!(some_of(&["a", "b", "c", "d", "e"]), "a, b, c and 2 more");
    }
}
