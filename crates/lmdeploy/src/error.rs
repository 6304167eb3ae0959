//! [`Error`]: why something failed, and whose fault it was.

#[cfg(any(feature = "client", feature = "engine"))]
use std::fmt::Display;
use std::path::PathBuf;

use internlm_kit::config::ConfigError;
use internlm_kit::exit::BadInput;
use internlm_kit::file::FileError;

/// What a server says of an error in addition to status and message.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct StatusDetail {
    /// Kind of the error, such as `invalid_request_error`; the field `type` of the body.
    pub kind: Option<String>,
    /// Path of the field that is wrong, such as `messages[0].role`.
    pub param: Option<String>,
    /// The field `code` of the body: the status as this server writes it, a word of other servers.
    pub code: Option<String>,
    /// Name of the request in the server's log.
    pub request_id: Option<String>,
}

/// Why something failed. Messages name the place, what was found and what was expected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A connection to a server could not be made, so nothing was sent.
    #[error("{url}: {message}")]
    Unreachable {
        /// The URL that was requested.
        url: String,
        /// The message of the transport, with its causes.
        message: String,
    },
    /// The connection to a server broke after it was made.
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
        /// What the server says in addition.
        detail: Box<StatusDetail>,
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
    /// A prompt is longer than the context. A server answers it with status 400.
    #[error("{message}")]
    TooLong {
        /// Both lengths, in words for the client.
        message: String,
        /// Path of the field that is too long, when it is one of several.
        param: Option<String>,
        /// Number of tokens in the prompt.
        prompt: usize,
        /// Maximum number of tokens in prompt and answer together.
        limit: usize,
    },
    /// A request continues a response that is not stored. A server answers it with status 404, or 400 if the name cannot
    /// be that of any response.
    #[error("Previous response with id '{id}' not found.")]
    NoPreviousResponse {
        /// The name that the request has for the response.
        id: String,
    },
    /// A setting is wrong.
    #[error("{key}: found {found}, expected {expected}")]
    Setting {
        /// The key as a config file writes it, or the address of the server that does not fit.
        key: String,
        /// The value, and what it amounts to.
        found: String,
        /// The values that are allowed.
        expected: String,
    },
    /// Settings contradict each other or are out of their ranges; all problems at once.
    #[error("{}", problems.join("; "))]
    Settings {
        /// One sentence each: key, found, expected.
        problems: Vec<String>,
    },
    /// A config file could not be read, or a value in it is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A file of a model has the wrong content.
    #[error("{}: {message}", path.display())]
    Content {
        /// The file, or the folder of the model.
        path: PathBuf,
        /// What was found and what was expected.
        message: String,
    },
    /// The client could not set up TLS.
    #[error("cannot set up TLS: {message}")]
    Tls {
        /// The message of the TLS library, with its causes.
        message: String,
    },
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
    /// Settings, requests that a server refuses, addresses that cannot be listened on, and servers that are not there
    /// are bad input. A server that fails, is busy or breaks off is not.
    fn is_bad_input(&self) -> bool {
        match self {
            Self::Setting { .. }
            | Self::Settings { .. }
            | Self::Content { .. }
            | Self::Tls { .. }
            | Self::Listen { .. }
            | Self::Unreachable { .. }
            | Self::TooLong { .. }
            | Self::NoPreviousResponse { .. } => true,
            Self::Status { status, .. } | Self::Refused { status, .. } => {
                (400..500).contains(status) && *status != 429
            }
            Self::Config(error) => error.is_bad_input(),
            Self::File(error) => error.is_bad_input(),
            #[cfg(feature = "engine")]
            Self::Model(error) => error.is_bad_input(),
            #[cfg(feature = "turbomind")]
            Self::Turbomind(error) => internlm_kit::exit::BadInput::is_bad_input(error),
            Self::Connection { .. } | Self::Answer { .. } => false,
        }
    }
}

impl Error {
    /// The setting `key` is wrong.
    #[cfg(any(feature = "client", feature = "engine"))]
    pub(crate) fn setting(key: impl Into<String>, found: impl Display, expected: impl Display) -> Self {
        Self::Setting { key: key.into(), found: found.to_string(), expected: expected.to_string() }
    }

    /// The refusal of a request whose field `param` is wrong.
    #[cfg(feature = "engine")]
    pub(crate) fn field(param: impl Into<String>, message: impl AsRef<str>) -> Self {
        let param = param.into();
        Self::Refused { status: 400, message: format!("{param}: {}", message.as_ref()), param: Some(param) }
    }
}

/// A result whose error is this crate's [`Error`] by default.
pub type Result<T, E = Error> = std::result::Result<T, E>;
