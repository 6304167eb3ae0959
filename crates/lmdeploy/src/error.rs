//! The crate's error.

use std::path::PathBuf;

/// Why something failed. Messages name the place, what was found and what was expected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A server could not be reached, or the connection broke.
    #[error("{url}: {message}")]
    Connection {
        /// What was asked.
        url: String,
        /// What the transport said, causes included.
        message: String,
    },
    /// A server answered with an error status.
    #[error("{url}: status {status}: {message}")]
    Status {
        /// What was asked.
        url: String,
        /// The HTTP status.
        status: u16,
        /// The message of the error body, or the start of the body when it is not one.
        message: String,
        /// Seconds after which the server wants to be asked again.
        retry_after: Option<u64>,
    },
    /// A server's answer is not what the protocol says.
    #[error("{url}: cannot read the answer: {message}")]
    Answer {
        /// What was asked.
        url: String,
        /// The parser's message and the start of what was found.
        message: String,
    },
    /// A setting is wrong: which, found, expected.
    #[error("{0}")]
    Setting(String),
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
        match self {
            Self::Setting(_) | Self::File { .. } => true,
            Self::Status { status, .. } => (400..500).contains(status) && *status != 429,
            _ => false,
        }
    }
}

/// Results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
