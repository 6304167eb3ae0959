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
    /// A request that is not, or could not be, fulfilled; what a server answers with `status`.
    #[error("{message}")]
    Refused {
        /// The HTTP status that says the same.
        status: u16,
        /// Why.
        message: String,
        /// The field at fault, as a path.
        param: Option<String>,
    },
    /// A setting is wrong: which, found, expected.
    #[error("{0}")]
    Setting(String),
    /// A model could not be loaded.
    #[cfg(feature = "engine")]
    #[error(transparent)]
    Model(#[from] internlm_model::Error),
    /// The CPU core could not load a model, or not with these settings.
    #[cfg(feature = "turbomind")]
    #[error(transparent)]
    Turbomind(#[from] turbomind::Error),
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// An address could not be listened on.
    #[error("{address}: {message}")]
    Listen {
        /// `host:port`.
        address: String,
        /// What the system said, and what to do.
        message: String,
    },
}

impl Error {
    /// Whether the caller's input is at fault, which the binary reports with exit code 2.
    #[must_use]
    pub fn is_bad_input(&self) -> bool {
        match self {
            Self::Setting(_) | Self::File { .. } | Self::Listen { .. } => true,
            Self::Status { status, .. } | Self::Refused { status, .. } => {
                (400..500).contains(status) && *status != 429
            }
            #[cfg(feature = "engine")]
            Self::Model(error) => error.is_bad_input(),
            #[cfg(feature = "turbomind")]
            Self::Turbomind(error) => internlm_kit::exit::BadInput::is_bad_input(error),
            Self::Connection { .. } | Self::Answer { .. } => false,
        }
    }

    /// A request whose field `param` is wrong.
    #[cfg(feature = "engine")]
    pub(crate) fn field(param: impl Into<String>, message: impl AsRef<str>) -> Self {
        let param = param.into();
        Self::Refused { status: 400, message: format!("{param}: {}", message.as_ref()), param: Some(param) }
    }
}

/// Results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
