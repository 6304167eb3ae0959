//! [`SeqStep`] and [`Outputs`]: what one sequence does in a pass, and what the pass gives.

use std::ops::Range;

/// Consecutive tokens of one sequence whose keys and values are computed in one pass.
///
/// A prompt is one step of many tokens or, cut anywhere, several; decoding is one step of one token per pass. The cuts
/// change no bit of the logits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SeqStep<'a> {
    /// The ids of the tokens, at least one.
    pub tokens: &'a [u32],
    /// Position of the first of them, which equals the number of tokens whose keys are already stored.
    pub position: usize,
    /// Length that sets the rotary frequencies beyond the trained context (dynamic NTK, LongRoPE). For every piece of a
    /// prompt it is the length of the whole prompt, so that cutting the prompt changes nothing.
    pub rope_len: usize,
    /// The blocks of the sequence: position p is stored in block `p / block_tokens` at slot `p % block_tokens`.
    pub blocks: &'a [u32],
    /// Which tokens get a row of logits, or of hidden states instead.
    pub logits: LogitRows,
}

impl<'a> SeqStep<'a> {
    /// A step that wants the logits of its last token; the rotary length is that of the tokens known so far.
    #[must_use]
    pub fn new(tokens: &'a [u32], position: usize, blocks: &'a [u32]) -> Self {
        let rope_len = position.saturating_add(tokens.len());
        Self { tokens, position, rope_len, blocks, logits: LogitRows::Last }
    }

    /// Sets the rotary length, for a piece of a longer prompt.
    #[must_use]
    pub fn with_rope_len(self, rope_len: usize) -> Self {
        Self { rope_len, ..self }
    }

    /// Chooses which tokens get a row of logits, or of hidden states instead.
    #[must_use]
    pub fn with_logits(self, logits: LogitRows) -> Self {
        Self { logits, ..self }
    }

    /// The tokens that get a row of logits, as indices into `tokens`.
    pub(super) fn rows(&self) -> Range<usize> {
        let end = self.tokens.len();
        match self.logits {
            LogitRows::None | LogitRows::HiddenLast | LogitRows::HiddenAll => end..end,
            LogitRows::Last => end - 1..end,
            LogitRows::All => 0..end,
        }
    }

    /// The tokens that get a row of hidden states, as indices into `tokens`.
    pub(super) fn hidden_rows(&self) -> Range<usize> {
        let end = self.tokens.len();
        match self.logits {
            LogitRows::None | LogitRows::Last | LogitRows::All => end..end,
            LogitRows::HiddenLast => end - 1..end,
            LogitRows::HiddenAll => 0..end,
        }
    }
}

/// Which tokens of a step get a row of logits or of hidden states. The head is computed for those with logits only.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LogitRows {
    /// No token: more of the prompt follows.
    None,
    /// The last token, as for choosing the next one.
    Last,
    /// Every token, as for scoring a text.
    All,
    /// No token; the last one gets its hidden states, as for the embedding of a text.
    HiddenLast,
    /// No token; every one gets its hidden states, as for an embedding that is their mean.
    HiddenAll,
}

/// Which entries of each row of logits are returned.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LogitEntries {
    /// The whole row, one logit per id of the vocabulary.
    All,
    /// The given number of best entries, at least one, at most all of the vocabulary. They are kept in sorted lists while
    /// the head is computed, so small numbers are fast and no whole row is ever written.
    Top(usize),
}

/// What a pass gives; rows are in the order of the steps, then of their tokens.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Outputs {
    /// With [`LogitEntries::All`]: `[rows, vocab]`; else empty.
    pub logits: Vec<f32>,
    /// With [`LogitEntries::Top`]: (id, logit) of each row, best first, equal logits by id; else empty. The list of a row
    /// that is not finite is shorter or empty.
    pub top: Vec<Vec<(u32, f32)>>,
    /// `[hidden rows, hidden]`: what the output matrix would read, after the final norm and without any rounding to 8
    /// bits.
    pub hidden: Vec<f32>,
    /// Steps whose numbers left the range of floats. Their rows are NaN; the other steps are not affected.
    pub non_finite: Vec<NonFinite>,
}

/// A step whose numbers left the range of floats.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NonFinite {
    /// Index of the step in the pass.
    pub sequence: usize,
    /// The first layer whose input shows it; the number of layers for the head.
    pub layer: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_wants_the_rows_it_says() {
        let step = SeqStep::new(&[7, 8, 9], 4, &[0]);
        assert_eq!((step.rope_len, step.rows()), (7, 2..3));
        assert_eq!(step.with_logits(LogitRows::All).rows(), 0..3);
        assert!(step.with_logits(LogitRows::None).rows().is_empty());
        for (wanted, rows) in
            [(LogitRows::HiddenLast, 2..3), (LogitRows::HiddenAll, 0..3), (LogitRows::All, 3..3)]
        {
            assert_eq!(step.with_logits(wanted).hidden_rows(), rows);
        }
        assert!(step.with_logits(LogitRows::HiddenAll).rows().is_empty());
        assert_eq!(step.with_rope_len(20).rope_len, 20);
    }
}
