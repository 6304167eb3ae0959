//! [`Certain`]: what is known of a reply that is still being written.

use std::ops::Range;

/// What more text cannot change. Both parts only grow while the reply is written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Certain {
    /// Number of bytes at the beginning that may be shown as reasoning: what is behind them may be the answer.
    pub(crate) told: usize,
    /// The bytes of the answer, as far as they are certain; absent while the reply may still be something else.
    pub(crate) answer: Option<Range<usize>>,
}

impl Certain {
    /// A reply that may still become a call or an answer.
    pub(crate) fn open(told: usize) -> Self {
        Self { told, answer: None }
    }

    /// A reply that is an answer in these bytes.
    pub(crate) fn answer(answer: Range<usize>) -> Self {
        Self { told: answer.start, answer: Some(answer) }
    }
}
