//! [`Error`]: why something failed, and whose fault it was.

use internlm_kit::exit::BadInput;
use internlm_kit::file::FileError;

/// Why something failed. Messages name the place, what was found and what was expected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A server could not be reached, or the connection broke.
    #[error("{url}: {message}")]
    Connection {
        /// The URL that was requested.
        url: String,
        /// The message of the transport, with its causes.
        message: String,
    },
    /// A server answered with an error status.
    #[error("{url}: status {status}: {message}")]
    Status {
        /// The URL that was requested.
        url: String,
        /// The HTTP status of the answer.
        status: u16,
        /// The message of the error body, or the start of a body that is not an error body.
        message: String,
        /// Seconds after which the server allows another try.
        retry_after: Option<u64>,
    },
    /// An answer of a server does not follow the protocol.
    #[error("{url}: cannot read the answer: {message}")]
    Answer {
        /// The URL that was requested.
        url: String,
        /// The message of the parser and the start of the answer.
        message: String,
    },
    /// A request is wrong, or could not be fulfilled. A server answers it with `status`.
    #[error("{message}")]
    Refused {
        /// The HTTP status that reports it.
        status: u16,
        /// What is wrong, in words for the client.
        message: String,
        /// Path of the field that is wrong, when it is one field.
        param: Option<String>,
    },
    /// A setting is wrong. The text names it, what was found and what was expected.
    #[error("{0}")]
    Setting(String),
    /// A model could not be read.
    #[cfg(feature = "engine")]
    #[error(transparent)]
    Model(#[from] internlm_model::Error),
    /// The CPU core could not load a model with these settings.
    #[cfg(feature = "turbomind")]
    #[error(transparent)]
    Turbomind(#[from] turbomind::Error),
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The server cannot listen on an address.
    #[error("{address}: {message}")]
    Listen {
        /// The address as `host:port`, as it was given.
        address: String,
        /// The reason, and what to do about it.
        message: String,
    },
}

impl BadInput for Error {
    /// Settings, requests that a server refuses, and addresses that cannot be listened on are bad input. A server that
    /// fails, is busy or cannot be reached is not.
    fn is_bad_input(&self) -> bool {
        match self {
            Self::Setting(_) | Self::Listen { .. } => true,
            Self::Status { status, .. } | Self::Refused { status, .. } => {
                (400..500).contains(status) && *status != 429
            }
            Self::File(error) => error.is_bad_input(),
            #[cfg(feature = "engine")]
            Self::Model(error) => error.is_bad_input(),
            #[cfg(feature = "turbomind")]
            Self::Turbomind(error) => internlm_kit::exit::BadInput::is_bad_input(error),
            Self::Connection { .. } | Self::Answer { .. } => false,
        }
    }
}

#[cfg(feature = "engine")]
impl Error {
    /// The refusal of a request whose field `param` is wrong.
    pub(crate) fn field(param: impl Into<String>, message: impl AsRef<str>) -> Self {
        let param = param.into();
        Self::Refused { status: 400, message: format!("{param}: {}", message.as_ref()), param: Some(param) }
    }
}

/// A result whose error is this crate's [`Error`] by default.
pub type Result<T, E = Error> = std::result::Result<T, E>;
