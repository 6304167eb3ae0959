//! What happens to requests inside the scheduler: tokens, and exactly one end.

use internlm_model::TokenId;

use super::RequestId;

/// One thing that happened to a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Event {
    /// The request got its first blocks: it waits no longer. This happens at most once.
    Admitted {
        /// The request that begins to run.
        id: RequestId,
        /// Number of its prompt's tokens that came from the prefix cache.
        cached_tokens: usize,
    },
    /// The next id of a request was generated.
    Token {
        /// The request that the token belongs to.
        id: RequestId,
        /// The id that was generated.
        token: TokenId,
    },
    /// The request is over; no event of it follows.
    End {
        /// The request that has ended.
        id: RequestId,
        /// The reason of the end.
        end: End,
    },
}

/// Why a request has ended.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum End {
    /// The model sampled a stop id, or a stop string of the request appeared.
    Stop(StopCause),
    /// `max_new` ids were generated, or the context is full. Requests that generate nothing end like this, too.
    Length,
    /// It was cancelled before its end.
    Abort(CancelCause),
    /// It was refused, or failed while it ran.
    Error(EngineFault),
}

/// Which kind of stop ended a sequence.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StopCause {
    /// This stop id was sampled.
    Id(TokenId),
    /// A stop string appeared in the text.
    Text,
}

/// On whose behalf a request was cancelled.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum CancelCause {
    /// The reader dropped its [`Generation`](super::Generation).
    Disconnect,
    /// The engine is shutting down.
    Shutdown,
    /// Somebody asked for it by [`EngineHandle::abort`](super::EngineHandle::abort).
    Api,
    /// The reader was too slow for too long.
    SlowReader,
}

/// Why a request ended with an error.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum EngineFault {
    /// The request was refused before anything was computed.
    Rejected(super::Rejected),
    /// The executor failed, with this message.
    Execution(String),
    /// The request took longer than its timeout, queue included.
    Timeout,
    /// The whole key-value cache is too small for the request.
    KvCapacity {
        /// Number of tokens whose keys and values must be held.
        needed: usize,
        /// Number of tokens that the cache holds.
        available: usize,
    },
    /// The engine thread has ended.
    EngineGone,
}

impl std::fmt::Display for EngineFault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Rejected(rejected) => rejected.fmt(formatter),
            Self::Execution(message) => write!(formatter, "the model failed: {message}"),
            Self::Timeout => formatter.write_str("the request's time was up"),
            Self::KvCapacity { needed, available } => write!(
                formatter,
                "kv_capacity: the request needs {needed} tokens of the key-value cache, which holds {available}"
            ),
            Self::EngineGone => formatter.write_str("the engine has stopped"),
        }
    }
}
