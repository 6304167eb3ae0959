//! What happens to requests: tokens, and exactly one end.

use internlm_model::TokenId;

use super::RequestId;

/// One thing that happened to a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Event {
    /// The next generated id.
    Token {
        /// The request.
        id: RequestId,
        /// The id.
        token: TokenId,
    },
    /// Nothing more comes.
    End {
        /// The request.
        id: RequestId,
        /// Why.
        end: End,
    },
}

/// Why a request ended.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum End {
    /// The model said so, or the user's stop matched.
    Stop(StopCause),
    /// `max_new` ids, or the context is full.
    Length,
    /// Cancelled.
    Abort(CancelCause),
    /// Something failed.
    Error(EngineFault),
}

/// What stopped a sequence.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StopCause {
    /// A stop id.
    Id(TokenId),
    /// A stop string.
    Text,
}

/// Who cancelled a request.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum CancelCause {
    /// The reader went away.
    Disconnect,
    /// The server stops.
    Shutdown,
}

/// What failed.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum EngineFault {
    /// Not accepted.
    Rejected(super::Rejected),
    /// The executor's message.
    Execution(String),
    /// Its time was up.
    Timeout,
    /// The engine thread is gone.
    EngineGone,
}

impl std::fmt::Display for EngineFault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Rejected(rejected) => rejected.fmt(formatter),
            Self::Execution(message) => write!(formatter, "the model failed: {message}"),
            Self::Timeout => formatter.write_str("the request's time was up"),
            Self::EngineGone => formatter.write_str("the engine has stopped"),
        }
    }
}
