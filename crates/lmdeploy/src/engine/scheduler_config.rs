//! Limits of the scheduler, its answers to requests it does not take, and its numbers.

use std::time::Duration;

use super::Capacity;

/// Limits of the scheduler.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SchedulerConfig {
    /// Blocks of the cache.
    pub blocks: usize,
    /// Tokens per block.
    pub block_tokens: usize,
    /// Most tokens of one step.
    pub max_batched_tokens: usize,
    /// Most sequences that run at a time.
    pub max_sequences: usize,
    /// Longest sequence, prompt and answer.
    pub max_length: usize,
    /// Most requests that wait.
    pub max_queue: usize,
    /// A waiting request gains one priority level per this time.
    pub aging: Duration,
}

impl SchedulerConfig {
    /// Limits that fit an executor: the context is lowered to what the cache can hold.
    #[must_use]
    pub fn new(capacity: &Capacity) -> Self {
        let cached = capacity.blocks * capacity.block_tokens;
        Self {
            blocks: capacity.blocks,
            block_tokens: capacity.block_tokens,
            max_batched_tokens: capacity.max_batched_tokens,
            max_sequences: capacity.max_sequences,
            max_length: capacity.max_position.min(cached),
            max_queue: 4 * capacity.max_sequences,
            aging: Duration::from_secs(5),
        }
    }
}

/// Why a request was not taken.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Rejected {
    /// As many requests wait as may.
    QueueFull {
        /// How many wait.
        waiting: usize,
    },
    /// Prompt and answer cannot fit into the context.
    TooLong {
        /// Tokens of the prompt.
        prompt: usize,
        /// Tokens to generate that were asked for; at least this many must fit.
        wanted: usize,
        /// The context length.
        limit: usize,
    },
    /// A prompt without ids.
    EmptyPrompt,
    /// An id that the model does not have.
    UnknownId {
        /// The id.
        id: u32,
        /// Ids of the model.
        vocab: usize,
    },
    /// The server stops.
    Draining,
}

impl std::fmt::Display for Rejected {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::QueueFull { waiting } => {
                write!(formatter, "the queue is full: {waiting} requests are waiting")
            }
            Self::TooLong { prompt, wanted, limit } => write!(
                formatter,
                "This model's maximum context length is {limit} tokens. However, the request has {prompt} \
                 tokens in the prompt and asks for {wanted} more"
            ),
            Self::EmptyPrompt => formatter.write_str("prompt: found no tokens, expected at least one"),
            Self::UnknownId { id, vocab } => {
                write!(formatter, "prompt: found token id {id}, expected ids below {vocab}")
            }
            Self::Draining => formatter.write_str("the server is shutting down"),
        }
    }
}

/// The scheduler's numbers.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct SchedulerStats {
    /// Sequences that hold blocks.
    pub running: usize,
    /// Requests that wait for their turn.
    pub waiting: usize,
    /// Blocks of the cache.
    pub blocks: usize,
    /// Blocks that sequences hold.
    pub active_blocks: usize,
    /// How often a sequence gave up its blocks for another.
    pub preemptions: u64,
}
