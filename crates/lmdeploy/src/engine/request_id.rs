//! [`RequestId`]: the name of a request inside the engine.

/// Names one request for its whole life; an engine never uses a name twice.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RequestId(pub u64);
