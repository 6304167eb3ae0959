//! [`Executor`]: a batch of sequences -> logits. The scheduler knows what computes only by this trait.

use std::path::Path;
use std::sync::Arc;

use internlm_model::TokenId;

use super::{Batch, LogitsDetail, SleepLevel, SleepPart};

/// Computes batches. It owns the weights and the storage of the key-value cache, and knows nothing of requests.
pub trait Executor: Send {
    /// What it can hold. The same for as long as it lives.
    fn capacity(&self) -> Capacity;

    /// Number of known tokens up to which the keys of a sequence do not depend on how many there are. Blocks of longer
    /// sequences are not shared. No limit unless the model scales its rotary positions by the length.
    fn rotary_limit(&self) -> usize {
        usize::MAX
    }

    /// Number of values of a row of hidden states. None unless the executor gives such rows: texts have no embeddings
    /// then.
    fn hidden_size(&self) -> Option<usize> {
        None
    }

    /// Makes the copies of `batch`, then computes keys and values of every token of it, and the logits and hidden states
    /// that it wants.
    ///
    /// # Shapes
    /// - logits: `batch.row_count()` rows in the order of the steps, then of their tokens; full rows, or at least as
    ///   many of the largest entries as `batch.detail` wants
    /// - hidden states: `batch.hidden_row_count()` rows after the final norm, in the same order
    ///
    /// # Errors
    /// The sequences of the batch fail; the engine continues with the others.
    fn step(&mut self, batch: &Batch) -> Result<Logits, ExecuteError>;

    /// Releases weights and cache; no step follows before both are awake again. May be called again while it sleeps.
    ///
    /// # Errors
    /// Nothing was released. By default: [`ExecuteError::Unsupported`].
    fn sleep(&mut self, _level: SleepLevel) -> Result<(), ExecuteError> {
        Err(ExecuteError::Unsupported { what: "sleep" })
    }

    /// Gets back what [`Executor::sleep`] has released: the weights first, then an empty cache.
    ///
    /// # Errors
    /// The part stays released. By default: [`ExecuteError::Unsupported`].
    fn wake(&mut self, _part: SleepPart) -> Result<(), ExecuteError> {
        Err(ExecuteError::Unsupported { what: "sleep" })
    }

    /// What loads other weights of the same shape on another thread, while this executor continues. Default: none.
    fn loader(&self) -> Option<Arc<dyn WeightLoader>> {
        None
    }
}

/// Loads weights next to a running [`Executor`], to take its place.
pub trait WeightLoader: std::fmt::Debug + Send + Sync {
    /// An executor with the weights of a model folder or file and the same capacity. Its weights are awake and its
    /// cache is asleep.
    ///
    /// # Errors
    /// The model cannot be read, or differs from the running one in more than the numbers of its weights.
    fn load(&self, path: &Path) -> crate::Result<Box<dyn Executor>>;
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

/// Rows of logits and of hidden states, and what went wrong with single sequences.
#[derive(Clone, Debug, PartialEq)]
pub struct Logits {
    rows: Rows,
    hidden: HiddenStates,
    /// Number of a step in its batch, and what went wrong with it.
    faults: Vec<(usize, String)>,
}

#[derive(Clone, Debug, PartialEq)]
enum Rows {
    Full { values: Vec<f32>, vocab: usize },
    Top(Vec<Vec<(TokenId, f32)>>),
}

/// Rows of `size` values each.
#[derive(Clone, Debug, Default, PartialEq)]
struct HiddenStates {
    values: Vec<f32>,
    size: usize,
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
        Self::from_rows(Rows::Full { values, vocab })
    }

    /// Rows of which only the largest entries are known, largest first; equal logits by id.
    #[must_use]
    pub fn top(rows: Vec<Vec<(TokenId, f32)>>) -> Self {
        Self::from_rows(Rows::Top(rows))
    }

    fn from_rows(rows: Rows) -> Self {
        Self { rows, hidden: HiddenStates::default(), faults: Vec::new() }
    }

    /// Adds rows of `size` hidden states each, in the order of the batch.
    ///
    /// # Panics
    /// When the values do not fill whole rows.
    #[must_use]
    pub fn with_hidden(self, values: Vec<f32>, size: usize) -> Self {
        assert!(size > 0 && values.len().is_multiple_of(size), "hidden states are whole rows");
        Self { hidden: HiddenStates { values, size }, ..self }
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

    /// Number of rows of logits, over all steps.
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

    /// Number of rows of hidden states, over all steps.
    #[must_use]
    pub fn hidden_len(&self) -> usize {
        self.hidden_rows().len()
    }

    /// The rows of hidden states in the order of the batch.
    pub fn hidden_rows(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.hidden.values.chunks_exact(self.hidden.size.max(1))
    }

    /// The rows of logits in the order of the batch.
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
    /// The step gave another number of hidden states than the batch wants.
    #[error("found {found} rows of hidden states, expected {expected}")]
    HiddenRows {
        /// Number of rows that the step gave.
        found: usize,
        /// Number of rows that the batch wants.
        expected: usize,
    },
    /// The step gave the largest entries of rows where a sequence needs all of them.
    #[error("found the largest entries of rows, expected full rows")]
    PartialRows,
    /// The executor has no such ability.
    #[error("this executor cannot {what}")]
    Unsupported {
        /// What was asked for, as a verb.
        what: &'static str,
    },
}

impl ExecuteError {
    /// The error of a backend, in its own words.
    #[must_use]
    pub fn backend(error: impl std::fmt::Display) -> Self {
        Self::Backend { message: error.to_string() }
    }
}
