//! What one step computes, and what came of it.

use internlm_model::TokenId;

use super::RequestId;
use crate::cache::BlockId;

/// One step over several sequences. At most one batch is under way at a time.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Batch {
    /// The sequences' parts, each sequence at most once.
    pub steps: Vec<SeqStep>,
    /// How much of the rows of logits is needed.
    pub rows: RowsWanted,
}

/// The part of one sequence: consecutive tokens whose keys and values are computed in this step.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SeqStep {
    /// The sequence.
    pub id: RequestId,
    /// The tokens; at least one.
    pub tokens: Vec<TokenId>,
    /// Position of the first of them, equal to the number of keys already cached.
    pub position: usize,
    /// Length that sets the rotary base beyond the trained context (dynamic NTK): that of all known tokens, the
    /// whole prompt's for every chunk of it.
    pub rope_len: usize,
    /// The sequence's blocks: position p lives in block `p / block_tokens` at slot `p % block_tokens`.
    pub blocks: Vec<BlockId>,
    /// Which logits are wanted.
    pub logits: LogitsWanted,
}

/// Which rows of logits a sequence's part gives.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LogitsWanted {
    /// None: more of the prompt follows.
    None,
    /// Of the last token.
    Last,
    /// Of every token.
    All,
}

/// How much of a row of logits is needed; of two needs the greater serves both.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum RowsWanted {
    /// This many of the best entries.
    Best(usize),
    /// All of it.
    #[default]
    Whole,
}

impl RowsWanted {
    /// Most entries of [`RowsWanted::Best`].
    pub const MOST_BEST: usize = 64;

    /// The need for `entries` of the best; all of the row when none or too many.
    #[must_use]
    pub fn best(entries: Option<usize>) -> Self {
        entries.filter(|entries| *entries <= Self::MOST_BEST).map_or(Self::Whole, Self::Best)
    }

    /// The need when `strangers` entries of a row do not count.
    #[must_use]
    pub fn beside(self, strangers: usize) -> Self {
        match self {
            Self::Best(entries) => Self::best(entries.checked_add(strangers)),
            Self::Whole => Self::Whole,
        }
    }
}

impl Batch {
    /// Tokens of all parts.
    #[must_use]
    pub fn tokens(&self) -> usize {
        self.steps.iter().map(|step| step.tokens.len()).sum()
    }

    /// Rows of logits of all parts.
    #[must_use]
    pub fn row_count(&self) -> usize {
        self.steps.iter().map(SeqStep::rows).sum()
    }
}

impl SeqStep {
    /// Rows of logits this part gives.
    #[must_use]
    pub fn rows(&self) -> usize {
        match self.logits {
            LogitsWanted::None => 0,
            LogitsWanted::Last => 1,
            LogitsWanted::All => self.tokens.len(),
        }
    }
}

/// What came of one sequence's part.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum StepResult {
    /// Its keys and values are cached; no id was due.
    Computed,
    /// The next id.
    Sampled(TokenId),
    /// The next id, with which a stop string is complete.
    Stopped(TokenId),
    /// It failed, for the reason given.
    Failed(String),
}
