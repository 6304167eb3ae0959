//! [`EngineConfig`]: what the engine needs in addition to an executor.

use internlm_model::Tokenizer;

use super::SchedulerConfig;

/// Size of unread text, in bytes, above which a request is paused by default.
const DEFAULT_MAX_UNREAD_BYTES: usize = 256 << 10;

/// What the engine needs in addition to an executor.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EngineConfig {
    /// Limits of batches, queue and context.
    pub scheduler: SchedulerConfig,
    /// Turns ids into text; without one the pieces have no text, and neither stop strings nor marks of reasoning are found.
    /// Default: none.
    pub tokenizer: Option<Tokenizer>,
    /// Base seed for requests that do not set one. Default 0.
    pub seed: u64,
    /// Size of unread text, in bytes, above which a request is paused until its reader has taken it. Default 256 KiB.
    pub max_unread_bytes: usize,
}

impl EngineConfig {
    /// An engine without a tokenizer, with base seed 0.
    #[must_use]
    pub fn new(scheduler: SchedulerConfig) -> Self {
        Self { scheduler, tokenizer: None, seed: 0, max_unread_bytes: DEFAULT_MAX_UNREAD_BYTES }
    }

    /// Sets the tokenizer that turns ids into text.
    #[must_use]
    pub fn with_tokenizer(self, tokenizer: Tokenizer) -> Self {
        Self { tokenizer: Some(tokenizer), ..self }
    }

    /// Sets the base seed for requests that do not set one.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Sets the size of unread text, in bytes, above which a request is paused.
    #[must_use]
    pub fn with_max_unread_bytes(self, max_unread_bytes: usize) -> Self {
        Self { max_unread_bytes, ..self }
    }
}
