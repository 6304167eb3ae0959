//! [`Executor`]: a batch of sequences -> logits. The seam between the scheduler and whatever computes.

use super::Batch;

/// Computes batches. Owns weights and the storage of the key-value cache; knows nothing of requests.
pub trait Executor: Send {
    /// What it can hold.
    fn capacity(&self) -> Capacity;

    /// Computes keys and values of every token of `batch`, and the logits it wants.
    ///
    /// # Shapes
    /// - output: `[batch.rows(), vocab]`, rows in the order of the steps, then of their tokens
    ///
    /// # Errors
    /// The sequences of the batch fail; the engine goes on.
    fn step(&mut self, batch: &Batch) -> Result<Logits, ExecuteError>;
}

/// What an executor can hold.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Capacity {
    /// Blocks of the cache.
    pub blocks: usize,
    /// Tokens per block.
    pub block_tokens: usize,
    /// Most tokens of one step.
    pub max_batched_tokens: usize,
    /// Most sequences of one step.
    pub max_sequences: usize,
    /// Longest sequence the model takes.
    pub max_position: usize,
    /// Columns of the logits.
    pub vocab: usize,
    /// Bytes of the key-value cache.
    pub cache_bytes: usize,
}

/// Rows of logits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Logits {
    values: Vec<f32>,
    vocab: usize,
}

impl Logits {
    /// Rows of `vocab` values each.
    ///
    /// # Panics
    /// When `values` is no whole number of rows.
    #[must_use]
    pub fn new(values: Vec<f32>, vocab: usize) -> Self {
        assert!(vocab > 0 && values.len().is_multiple_of(vocab), "logits are whole rows");
        Self { values, vocab }
    }

    /// The rows in order.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.values.chunks_exact(self.vocab.max(1))
    }
}

/// Why a step failed.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct ExecuteError(pub String);
