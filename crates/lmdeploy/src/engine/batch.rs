//! What one step computes, and what came of it.

use internlm_model::TokenId;

use super::RequestId;
use crate::cache::BlockId;

/// One step over several sequences. At most one batch is under way at a time.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Batch {
    /// The sequences' parts, each sequence at most once.
    pub steps: Vec<SeqStep>,
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

impl Batch {
    /// Tokens of all parts.
    #[must_use]
    pub fn tokens(&self) -> usize {
        self.steps.iter().map(|step| step.tokens.len()).sum()
    }

    /// Rows of logits of all parts.
    #[must_use]
    pub fn rows(&self) -> usize {
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
