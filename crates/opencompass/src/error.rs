//! The crate's error.

use std::path::{Path, PathBuf};

use internlm_kit::config::ConfigError;

/// Why an evaluation could not go on. Messages name the place, what was found and what was expected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A run or dataset file is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A name that nothing has.
    #[error("{kind} `{name}`: not found{}{}", if hint.is_empty() { "" } else { ", " }, hint)]
    UnknownName {
        /// What was looked for.
        kind: &'static str,
        /// The name.
        name: String,
        /// What to do, or the nearest known name.
        hint: String,
    },
    /// A dataset's data is missing or does not fit its file.
    #[error("dataset {dataset}: {message}")]
    Data {
        /// The dataset.
        dataset: String,
        /// File, place, found, expected.
        message: String,
    },
    /// Cells that the model cannot answer, found before anything was asked.
    #[error("{} cell(s) cannot be evaluated:\n  - {}", reasons.len(), reasons.join("\n  - "))]
    Refused {
        /// `model x dataset: reason`.
        reasons: Vec<String>,
    },
    /// A model's server did not answer at the start.
    #[error("model {model}: no answer from {url}: {message}")]
    Unreachable {
        /// The model.
        model: String,
        /// The server.
        url: String,
        /// What the transport said.
        message: String,
    },
    /// A model could not be made ready.
    #[error("model {model}: {message}")]
    Model {
        /// The model.
        model: String,
        /// Key, found, expected.
        message: String,
    },
    /// One request failed after its retries.
    #[error("{0}")]
    Answer(String),
    /// The item store is in use or is no store.
    #[error("{path}: {message}")]
    Store {
        /// The store file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// A run folder belongs to another configuration.
    #[error("{folder}: the run there differs in {}; start a new run or repeat that configuration", keys.join(", "))]
    OtherRun {
        /// The run folder.
        folder: PathBuf,
        /// Keys that differ.
        keys: Vec<String>,
    },
    /// The user stopped the run.
    #[error("interrupted: {done} of {total} requests are stored; run again to go on")]
    Interrupted {
        /// Stored requests.
        done: usize,
        /// All requests.
        total: usize,
    },
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl Error {
    /// Whether the caller's input is at fault, which the binary reports with exit code 2.
    #[must_use]
    pub fn is_bad_input(&self) -> bool {
        !matches!(self, Self::Answer(_) | Self::Interrupted { .. } | Self::File { .. })
    }

    /// An I/O error at `path`.
    pub(crate) fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::File { path, source }
    }
}

/// Results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
