//! [`Executor`]: a batch of sequences -> logits. The seam between the scheduler and whatever computes.

use internlm_model::TokenId;

use super::{Batch, RowsWanted};

/// Computes batches. Owns weights and the storage of the key-value cache; knows nothing of requests.
pub trait Executor: Send {
    /// What it can hold.
    fn capacity(&self) -> Capacity;

    /// Computes keys and values of every token of `batch`, and the logits it wants.
    ///
    /// # Shapes
    /// - output: `batch.row_count()` rows in the order of the steps, then of their tokens; whole, or at least as many
    ///   of the best entries as `batch.rows` wants
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

/// Rows of logits, and what went wrong with single sequences.
#[derive(Clone, Debug, PartialEq)]
pub struct Logits {
    rows: Rows,
    /// Place of a step, and what went wrong with it.
    faults: Vec<(usize, String)>,
}

#[derive(Clone, Debug, PartialEq)]
enum Rows {
    Whole { values: Vec<f32>, vocab: usize },
    Best(Vec<Vec<(TokenId, f32)>>),
}

/// One row of logits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Row<'a> {
    /// `[vocab]`
    Whole(&'a [f32]),
    /// The best entries, best first; equal logits by id.
    Best(&'a [(TokenId, f32)]),
}

impl Logits {
    /// Rows of `vocab` values each.
    ///
    /// # Panics
    /// When `values` is no whole number of rows.
    #[must_use]
    pub fn new(values: Vec<f32>, vocab: usize) -> Self {
        assert!(vocab > 0 && values.len().is_multiple_of(vocab), "logits are whole rows");
        Self { rows: Rows::Whole { values, vocab }, faults: Vec::new() }
    }

    /// Rows of which only the best entries are known, best first; equal logits by id.
    #[must_use]
    pub fn best(rows: Vec<Vec<(TokenId, f32)>>) -> Self {
        Self { rows: Rows::Best(rows), faults: Vec::new() }
    }

    /// The same, but step number `step` of the batch failed; its rows mean nothing.
    #[must_use]
    pub fn with_fault(mut self, step: usize, message: String) -> Self {
        self.faults.push((step, message));
        self
    }

    /// What went wrong with step number `step` of the batch alone.
    #[must_use]
    pub fn fault(&self, step: usize) -> Option<&str> {
        self.faults.iter().find(|fault| fault.0 == step).map(|fault| fault.1.as_str())
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.rows {
            Rows::Whole { values, vocab } => values.len() / vocab,
            Rows::Best(rows) => rows.len(),
        }
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rows in order.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = Row<'_>> {
        (0..self.len()).map(|index| match &self.rows {
            Rows::Whole { values, vocab } => Row::Whole(&values[index * vocab..(index + 1) * vocab]),
            Rows::Best(rows) => Row::Best(&rows[index]),
        })
    }

    /// Whether the rows say enough for `wanted`.
    #[must_use]
    pub fn serves(&self, wanted: RowsWanted) -> bool {
        matches!(self.rows, Rows::Whole { .. }) || wanted != RowsWanted::Whole
    }
}

impl<'a> Row<'a> {
    /// All values, when they are there.
    #[must_use]
    pub fn whole(self) -> Option<&'a [f32]> {
        match self {
            Self::Whole(row) => Some(row),
            Self::Best(_) => None,
        }
    }
}

/// Why a step failed.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct ExecuteError(pub String);
