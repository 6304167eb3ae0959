//! The error type of the crate.

use std::path::PathBuf;

use internlm_kit::config::ConfigError;
use internlm_kit::exit::BadInput;
use internlm_kit::file::FileError;
use internlm_kit::journal::JournalError;
use internlm_kit::run_folder::OtherRun;

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
    /// Some cells cannot be answered by their model. Found before anything was asked.
    #[error("{} cell(s) cannot be evaluated:\n  - {}", reasons.len(), reasons.join("\n  - "))]
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
    /// A single request failed after its retries.
    #[error("{0}")]
    Answer(String),
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
    #[error("interrupted: {done} of {total} requests are stored; run again to resume")]
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
    /// A server that cannot be reached counts as bad input: its address is part of the input, and nothing was
    /// done yet.
    fn is_bad_input(&self) -> bool {
        match self {
            Self::Config(_)
            | Self::UnknownName { .. }
            | Self::Data { .. }
            | Self::Refused { .. }
            | Self::Unreachable { .. }
            | Self::Model { .. }
            | Self::Content { .. }
            | Self::OtherRun(_) => true,
            Self::Answer(_) | Self::Interrupted { .. } => false,
            Self::Journal(error) => error.is_bad_input(),
            Self::File(error) => error.is_bad_input(),
        }
    }
}

/// A result whose error is [`Error`] unless stated otherwise.
pub type Result<T, E = Error> = std::result::Result<T, E>;
