//! What one step computes, and what came of it.

use internlm_model::TokenId;

use super::RequestId;
use crate::cache::{BlockCopy, BlockId};

/// One step over several sequences. At most one batch is under way at a time.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Batch {
    /// What is copied from block to block, in order, before anything of the step is computed.
    pub copies: Vec<BlockCopy>,
    /// The sequences' parts; each sequence appears at most once.
    pub steps: Vec<SequencePart>,
    /// How much of every row of logits is needed: enough for the most demanding sequence.
    pub detail: LogitsDetail,
}

/// The part of one sequence: consecutive tokens whose keys and values are computed in this step.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SequencePart {
    /// The request that the tokens belong to.
    pub id: RequestId,
    /// The tokens; at least one.
    pub tokens: Vec<TokenId>,
    /// Position of the first of them, equal to the number of keys already cached.
    pub position: usize,
    /// Length that sets the rotary base beyond the trained context (dynamic NTK): that of all known tokens, so that
    /// every chunk of a prompt sees the whole prompt's.
    pub rope_len: usize,
    /// The sequence's blocks: position p is in block `p / block_tokens` at slot `p % block_tokens`.
    pub blocks: Vec<BlockId>,
    /// At which of the tokens logits are wanted, or hidden states instead.
    pub logits: LogitsWanted,
}

/// At which tokens of a sequence's part logits or hidden states are wanted; each gives one row.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LogitsWanted {
    /// At no token: more of the prompt follows.
    None,
    /// At the last token, to sample the next id.
    Last,
    /// At every token, to score the prompt.
    All,
    /// No logits, but the hidden states of the last token, for an embedding.
    HiddenLast,
    /// No logits, but the hidden states of every token, for an embedding that is their mean.
    HiddenAll,
}

/// How much of a row of logits is needed. The greater of two needs serves both.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum LogitsDetail {
    /// At least this many of the largest entries. An executor may give full rows instead, and does so where finding
    /// the largest would not pay.
    Top(usize),
    /// Every entry of the row.
    #[default]
    Full,
}

impl LogitsDetail {
    /// The need for the `entries` largest entries, or for all of them when there is no such number.
    #[must_use]
    pub fn top(entries: Option<usize>) -> Self {
        entries.map_or(Self::Full, Self::Top)
    }

    /// The need when `padding` entries of a row stand for no token and will be ignored.
    #[must_use]
    pub fn with_padding(self, padding: usize) -> Self {
        match self {
            Self::Top(entries) => Self::top(entries.checked_add(padding)),
            Self::Full => Self::Full,
        }
    }
}

impl Batch {
    /// Number of tokens in all parts.
    #[must_use]
    pub fn tokens(&self) -> usize {
        self.steps.iter().map(|step| step.tokens.len()).sum()
    }

    /// Number of rows of logits that all parts give.
    #[must_use]
    pub fn row_count(&self) -> usize {
        self.steps.iter().map(SequencePart::rows).sum()
    }

    /// Number of rows of hidden states that all parts give.
    #[must_use]
    pub fn hidden_row_count(&self) -> usize {
        self.steps.iter().map(SequencePart::hidden_rows).sum()
    }
}

impl SequencePart {
    /// Number of rows of logits that this part gives.
    #[must_use]
    pub fn rows(&self) -> usize {
        match self.logits {
            LogitsWanted::None | LogitsWanted::HiddenLast | LogitsWanted::HiddenAll => 0,
            LogitsWanted::Last => 1,
            LogitsWanted::All => self.tokens.len(),
        }
    }

    /// Number of rows of hidden states that this part gives.
    #[must_use]
    pub fn hidden_rows(&self) -> usize {
        match self.logits {
            LogitsWanted::None | LogitsWanted::Last | LogitsWanted::All => 0,
            LogitsWanted::HiddenLast => 1,
            LogitsWanted::HiddenAll => self.tokens.len(),
        }
    }
}

/// What came of one sequence's part.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum StepResult {
    /// Its keys and values are cached; no id was due.
    Computed,
    /// The next id was sampled.
    Sampled(TokenId),
    /// The next id was sampled, and a stop string is complete with it.
    Stopped(TokenId),
    /// It failed, for the reason given.
    Failed(String),
}
