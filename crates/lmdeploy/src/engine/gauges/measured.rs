//! What is measured: [`StepTimes`] of a step, and [`Ended`] of a request.

use std::time::Duration;

/// What one step of the engine took.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct StepTimes {
    /// Choosing the batch.
    pub(in crate::engine) scheduler: Duration,
    /// Computing it.
    pub(in crate::engine) executor: Duration,
    /// Computing the masks of grammars; zero when no sequence of the batch has one.
    pub(in crate::engine) masks: Duration,
    /// Number of tokens in the batch.
    pub(in crate::engine) tokens: usize,
}

/// The parts of the life of a request that has ended, for `Gauges::ended`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::engine) struct Ended {
    pub(in crate::engine) prompt: usize,
    pub(in crate::engine) generated: usize,
    pub(in crate::engine) cached: usize,
    /// From the submission to the end.
    pub(in crate::engine) whole: Duration,
    /// From the submission to the first blocks; none for a request that never held any.
    pub(in crate::engine) queued: Option<Duration>,
    /// From the first blocks to the first token.
    pub(in crate::engine) prefill: Option<Duration>,
    /// From the first token to the last.
    pub(in crate::engine) decode: Option<Duration>,
}
