//! Limits of the scheduler, its answers to requests that it refuses, and its numbers.

use std::time::Duration;

use super::Capacity;

/// Waiting requests per running one that the queue takes by default.
const QUEUED_PER_RUNNING: usize = 4;
/// Time after which a waiting request gains one priority level by default.
const DEFAULT_AGING: Duration = Duration::from_secs(5);
/// Time that a request may be paused for its reader by default.
const DEFAULT_SLOW_READER_TIMEOUT: Duration = Duration::from_secs(30);

/// Limits of the scheduler.
///
/// ```
/// use lmdeploy::engine::{Capacity, SchedulerConfig};
/// let capacity = Capacity {
///     blocks: 10, block_tokens: 16, max_batched_tokens: 64, max_sequences: 4, max_position: 4096, vocab: 300,
///     cache_bytes: 0,
/// };
/// let config = SchedulerConfig::new(&capacity).with_max_queue(100);
/// assert_eq!((config.max_length, config.max_queue), (160, 100), "the cache limits the context");
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct SchedulerConfig {
    /// Number of blocks in the cache.
    pub blocks: usize,
    /// Number of tokens whose keys and values a block holds.
    pub block_tokens: usize,
    /// Maximum number of tokens in one step.
    pub max_batched_tokens: usize,
    /// Maximum number of sequences that run at the same time.
    pub max_sequences: usize,
    /// Maximum length of a sequence in tokens, prompt and answer together.
    pub max_length: usize,
    /// Maximum number of waiting requests. Default: four times `max_sequences`.
    pub max_queue: usize,
    /// A waiting request gains one priority level each time this has passed. Default: 5 s.
    pub aging: Duration,
    /// Maximum time that a request may be paused because its reader is too slow; then it ends. Default: 30 s.
    pub slow_reader_timeout: Duration,
    /// Whether blocks outlive their sequences, so that later prompts with the same beginning need not compute it.
    /// Without it, only the requests of one [`GenerateRequest::group`](super::GenerateRequest::group) share blocks.
    /// Default: true (upstream: false).
    pub prefix_caching: bool,
    /// Maximum length in tokens of sequences whose blocks may be shared: in longer ones the keys depend on the length.
    /// Default: no limit; the engine lowers it to [`Executor::rotary_limit`](super::Executor::rotary_limit).
    pub publish_limit: usize,
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
            max_queue: QUEUED_PER_RUNNING * capacity.max_sequences,
            aging: DEFAULT_AGING,
            slow_reader_timeout: DEFAULT_SLOW_READER_TIMEOUT,
            prefix_caching: true,
            publish_limit: usize::MAX,
        }
    }

    /// Sets the maximum number of waiting requests.
    #[must_use]
    pub fn with_max_queue(self, max_queue: usize) -> Self {
        Self { max_queue, ..self }
    }

    /// Sets the time after which a waiting request gains one priority level.
    #[must_use]
    pub fn with_aging(self, aging: Duration) -> Self {
        Self { aging, ..self }
    }

    /// Sets the maximum time that a request may be paused because its reader is too slow.
    #[must_use]
    pub fn with_slow_reader_timeout(self, slow_reader_timeout: Duration) -> Self {
        Self { slow_reader_timeout, ..self }
    }

    /// Frees blocks as soon as no running sequence holds them.
    #[must_use]
    pub fn without_prefix_caching(self) -> Self {
        Self { prefix_caching: false, ..self }
    }

    /// Sets the maximum length in tokens of sequences whose blocks may be shared.
    #[must_use]
    pub fn with_publish_limit(self, tokens: usize) -> Self {
        Self { publish_limit: tokens, ..self }
    }

    /// Maximum number of requests, running and waiting together; a queue without a limit is `usize::MAX`.
    pub(crate) fn max_requests(&self) -> usize {
        self.max_sequences.saturating_add(self.max_queue)
    }
}

/// Why a request was refused.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Rejected {
    /// The queue is full; the request may be sent again later.
    QueueFull {
        /// Number of requests in it.
        waiting: usize,
    },
    /// Prompt and answer cannot fit into the context.
    TooLong {
        /// Number of tokens in the prompt.
        prompt: usize,
        /// Number of tokens to generate; at least one of them must fit.
        wanted: usize,
        /// Maximum length of a sequence in tokens.
        limit: usize,
    },
    /// The prompt has no ids.
    EmptyPrompt,
    /// The prompt has an id that the model does not know.
    UnknownId {
        /// The first id of that kind.
        id: u32,
        /// Number of ids that the model knows.
        vocab: usize,
    },
    /// The engine is shutting down.
    Draining,
    /// The engine sleeps, or will do so when the running requests have ended.
    Sleeping,
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
            Self::Sleeping => formatter.write_str("the server is sleeping"),
        }
    }
}

/// How many sequences and blocks there are in which state.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct SchedulerStats {
    /// Number of sequences that take part in steps.
    pub running: usize,
    /// Number of requests that hold no blocks.
    pub waiting: usize,
    /// Number of sequences that hold blocks and have no place in the batch, because their readers are or were too slow.
    pub paused: usize,
    /// Number of blocks in the cache.
    pub blocks: usize,
    /// Number of blocks that sequences hold.
    pub active_blocks: usize,
    /// Number of blocks that nobody holds and that are kept for their contents.
    pub cached_blocks: usize,
    /// How often a sequence has given up its blocks for another one.
    pub preemptions: u64,
    /// Number of prompt tokens that were looked up in the prefix cache.
    pub prefix_lookup_tokens: u64,
    /// Number of prompt tokens that came from the prefix cache.
    pub prefix_hit_tokens: u64,
}
