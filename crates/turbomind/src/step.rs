//! [`SeqStep`]: what one sequence does in a pass.

/// Consecutive tokens of one sequence whose keys and values are computed in this pass.
#[derive(Clone, Copy, Debug)]
pub struct SeqStep<'a> {
    /// The tokens, at least one.
    pub tokens: &'a [u32],
    /// Position of the first of them, equal to the number of keys already stored.
    pub position: usize,
    /// Length that sets the rotary base beyond the trained context (dynamic NTK): the whole prompt's for every
    /// chunk of it, so that chunking stays invisible.
    pub rope_len: usize,
    /// The sequence's blocks: position p lives in block `p / block_tokens` at slot `p % block_tokens`.
    pub blocks: &'a [u32],
    /// Which rows of logits are wanted.
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
