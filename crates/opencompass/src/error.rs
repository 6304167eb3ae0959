//! The error type of the crate.

use std::path::PathBuf;

use internlm_kit::config::ConfigError;
use internlm_kit::exit::BadInput;
use internlm_kit::file::FileError;
use internlm_kit::journal::JournalError;
use internlm_kit::run_folder::OtherRun;

use crate::counted::counted;

/// The reason why an evaluation stopped. Messages name the place, what was found and what was expected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A run or dataset file cannot be read, or a value in it is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A name that no dataset, run, cell or item has.
    #[error("{kind} `{name}`: not found{}{}", if hint.is_empty() { "" } else { ", " }, hint)]
    UnknownName {
        /// The kind of thing that was looked for, such as `dataset`.
        kind: &'static str,
        /// The name that was not found.
        name: String,
        /// The nearest known name, or what to do; may be empty.
        hint: String,
    },
    /// The data of a dataset is missing or does not fit its file.
    #[error("dataset {dataset}: {message}")]
    Data {
        /// Name of the dataset.
        dataset: String,
        /// The file, the place in it, what was found and what was expected.
        message: String,
    },
    /// A file of a dataset cannot be read.
    #[error("dataset {dataset}: {source}")]
    DataFile {
        /// Name of the dataset.
        dataset: String,
        /// The file and what the system said.
        source: FileError,
    },
    /// Several datasets cannot be loaded.
    #[error("{count} datasets cannot be loaded:\n  - {}", problems.join("\n  - "))]
    Datasets {
        /// Number of the datasets.
        count: usize,
        /// The messages of the first ones, and how many more there are.
        problems: Vec<String>,
    },
    /// A value has the right type, but it does not mean anything.
    #[error("{place}: found {found}, expected {expected}")]
    Value {
        /// The key, post-processor or kind of value.
        place: String,
        /// What was found there.
        found: String,
        /// What may be there instead.
        expected: String,
    },
    /// Some cells cannot be answered by their model. Found before anything was asked.
    #[error("{} cannot be evaluated:\n  - {}", counted(reasons.len(), "cell"), reasons.join("\n  - "))]
    Refused {
        /// One `MODEL x DATASET: reason` per cell.
        reasons: Vec<String>,
    },
    /// The server of a model did not answer before the first request, so nothing was asked.
    #[error("model {model}: no answer from {url}: {message}")]
    Unreachable {
        /// Name of the model in the run file.
        model: String,
        /// Address of the server.
        url: String,
        /// The error of the request.
        message: String,
    },
    /// A model cannot be used as the run file describes it.
    #[error("model {model}: {message}")]
    Model {
        /// Name of the model in the run file.
        model: String,
        /// The key, what was found and what was expected.
        message: String,
    },
    /// The weights of a model, or the tokenizer next to them, cannot be read.
    #[error("model {model}: weights: {source}")]
    Weights {
        /// Name of the model in the run file.
        model: String,
        /// The file and what is wrong with it.
        source: Box<internlm_model::Error>,
    },
    /// A single request failed after its retries.
    #[error("model {model}: {source}")]
    Request {
        /// Name of the model in the run file.
        model: String,
        /// The address, and what the server or the engine said.
        source: Box<lmdeploy::Error>,
    },
    /// The answer to a request lacks what was asked for.
    #[error("answer: {place}: found {found}, expected {expected}")]
    Answer {
        /// Path of the field in the answer.
        place: String,
        /// What was found there.
        found: String,
        /// What was asked for.
        expected: &'static str,
    },
    /// The thread that asked a model in this process ended without an answer.
    #[error("model {model}: the thread of the request ended: {source}")]
    Thread {
        /// Name of the model in the run file.
        model: String,
        /// How the thread ended.
        source: tokio::task::JoinError,
    },
    /// The item store is in use by another run, or could not be read or written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A file of a run has the wrong content.
    #[error("{}: {message}", path.display())]
    Content {
        /// Path of the file.
        path: PathBuf,
        /// What was found and what was expected.
        message: String,
    },
    /// A run folder belongs to a run of another configuration.
    #[error(transparent)]
    OtherRun(#[from] OtherRun),
    /// The user stopped the run.
    #[error("interrupted: {done} of {} stored; run again to resume", counted(*total, "request"))]
    Interrupted {
        /// Number of requests whose answers are stored.
        done: usize,
        /// Number of requests that this run would have sent.
        total: usize,
    },
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
}

impl BadInput for Error {
    /// A server that is not there counts as bad input: the input names it, and nothing was done yet. A file that
    /// cannot be read counts as bad input if its path is wrong, and as failed work if the disk fails.
    fn is_bad_input(&self) -> bool {
        match self {
            Self::Config(error) => error.is_bad_input(),
            Self::UnknownName { .. }
            | Self::Data { .. }
            | Self::Datasets { .. }
            | Self::Value { .. }
            | Self::Refused { .. }
            | Self::Unreachable { .. }
            | Self::Model { .. }
            | Self::Content { .. }
            | Self::OtherRun(_) => true,
            Self::Request { .. } | Self::Answer { .. } | Self::Thread { .. } | Self::Interrupted { .. } => {
                false
            }
            Self::DataFile { source, .. } => source.is_bad_input(),
            Self::Weights { source, .. } => source.is_bad_input(),
            Self::Journal(error) => error.is_bad_input(),
            Self::File(error) => error.is_bad_input(),
        }
    }
}

/// A result whose error is [`Error`] unless stated otherwise.
pub type Result<T, E = Error> = std::result::Result<T, E>;

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn a_missing_file_is_bad_input_and_a_failing_disk_is_not() {
        for (kind, bad_input) in [(io::ErrorKind::NotFound, true), (io::ErrorKind::StorageFull, false)] {
            let file = || FileError::new("rows.jsonl", "read", kind.into());
            let data = Error::DataFile { dataset: "sums".to_owned(), source: file() };
            let source = Box::new(internlm_model::Error::from(file()));
            let weights = Error::Weights { model: "tiny".to_owned(), source };
            assert!(data.to_string().starts_with("dataset sums: rows.jsonl: cannot read: "), "{data}");
            assert!(weights.to_string().starts_with("model tiny: weights: rows.jsonl: "), "{weights}");
            assert_eq!((data.is_bad_input(), weights.is_bad_input()), (bad_input, bad_input), "{kind}");
        }
    }
}
