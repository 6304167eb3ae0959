//! [`Executor`]: a batch of sequences -> logits. The scheduler knows what computes only by this trait.

use internlm_model::TokenId;

use super::{Batch, LogitsDetail};

/// Computes batches. It owns the weights and the storage of the key-value cache, and knows nothing of requests.
pub trait Executor: Send {
    /// What it can hold. The same for as long as it lives.
    fn capacity(&self) -> Capacity;

    /// Number of known tokens up to which the keys of a sequence do not depend on how many there are. Blocks of longer
    /// sequences are not shared. No limit unless the model scales its rotary positions by the length.
    fn rotary_limit(&self) -> usize {
        usize::MAX
    }

    /// Makes the copies of `batch`, then computes keys and values of every token of it, and the logits that it wants.
    ///
    /// # Shapes
    /// - output: `batch.row_count()` rows in the order of the steps, then of their tokens; full rows, or at least as
    ///   many of the largest entries as `batch.detail` wants
    ///
    /// # Errors
    /// The sequences of the batch fail; the engine continues with the others.
    fn step(&mut self, batch: &Batch) -> Result<Logits, ExecuteError>;
}

/// What an executor can hold.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Capacity {
    /// Number of blocks in the cache.
    pub blocks: usize,
    /// Number of tokens whose keys and values a block holds.
    pub block_tokens: usize,
    /// Maximum number of tokens in one step.
    pub max_batched_tokens: usize,
    /// Maximum number of sequences in one step.
    pub max_sequences: usize,
    /// Maximum length of a sequence, in tokens, that the model takes.
    pub max_position: usize,
    /// Number of columns of the logits.
    pub vocab: usize,
    /// Size of the key-value cache in bytes, for reports.
    pub cache_bytes: usize,
}

/// Rows of logits, and what went wrong with single sequences.
#[derive(Clone, Debug, PartialEq)]
pub struct Logits {
    rows: Rows,
    /// Number of a step in its batch, and what went wrong with it.
    faults: Vec<(usize, String)>,
}

#[derive(Clone, Debug, PartialEq)]
enum Rows {
    Full { values: Vec<f32>, vocab: usize },
    Top(Vec<Vec<(TokenId, f32)>>),
}

/// One row of logits, in the form that the executor gave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Row<'a> {
    /// A logit for every column: `[vocab]`.
    Full(&'a [f32]),
    /// The largest entries, largest first; equal logits by id.
    Top(&'a [(TokenId, f32)]),
}

impl Logits {
    /// Rows of `vocab` values each.
    ///
    /// # Panics
    /// When the values do not fill whole rows.
    #[must_use]
    pub fn new(values: Vec<f32>, vocab: usize) -> Self {
        assert!(vocab > 0 && values.len().is_multiple_of(vocab), "logits are whole rows");
        Self { rows: Rows::Full { values, vocab }, faults: Vec::new() }
    }

    /// Rows of which only the largest entries are known, largest first; equal logits by id.
    #[must_use]
    pub fn top(rows: Vec<Vec<(TokenId, f32)>>) -> Self {
        Self { rows: Rows::Top(rows), faults: Vec::new() }
    }

    /// Marks step number `step` of the batch as failed; its rows are ignored.
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

    /// Number of rows, over all steps.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.rows {
            Rows::Full { values, vocab } => values.len() / vocab,
            Rows::Top(rows) => rows.len(),
        }
    }

    /// Whether no step wanted any logits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rows in the order of the batch.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = Row<'_>> {
        (0..self.len()).map(|index| match &self.rows {
            Rows::Full { values, vocab } => Row::Full(&values[index * vocab..(index + 1) * vocab]),
            Rows::Top(rows) => Row::Top(&rows[index]),
        })
    }

    /// Whether the rows say enough for `wanted`.
    #[must_use]
    pub fn serves(&self, wanted: LogitsDetail) -> bool {
        matches!(self.rows, Rows::Full { .. }) || wanted != LogitsDetail::Full
    }
}

impl<'a> Row<'a> {
    /// All values of a full row.
    #[must_use]
    pub fn full(self) -> Option<&'a [f32]> {
        match self {
            Self::Full(row) => Some(row),
            Self::Top(_) => None,
        }
    }
}

/// Why a step failed, in words for the log and for the error answer.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ExecuteError {
    /// The backend reported an error.
    #[error("{message}")]
    Backend {
        /// The error in the words of the backend.
        message: String,
    },
    /// The backend panicked inside of the step.
    #[error("{message}")]
    Panicked {
        /// The message of the panic.
        message: String,
    },
    /// The step gave another number of rows than the batch wants.
    #[error("found {found} rows of logits, expected {expected}")]
    Rows {
        /// Number of rows that the step gave.
        found: usize,
        /// Number of rows that the batch wants.
        expected: usize,
    },
    /// The step gave the largest entries of rows where a sequence needs all of them.
    #[error("found the largest entries of rows, expected full rows")]
    PartialRows,
}

impl ExecuteError {
    /// The error of a backend, in its own words.
    #[must_use]
    pub fn backend(error: impl std::fmt::Display) -> Self {
        Self::Backend { message: error.to_string() }
    }
}
