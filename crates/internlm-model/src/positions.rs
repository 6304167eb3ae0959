//! The positions of the tokens of one packed row: runs of consecutive positions, one run per sequence.
//!
//! Training, prefill and decoding differ only in this description. A training sample of 7 tokens is the
//! run (first 0, tokens 7); one decoding step of a sequence with 30 cached keys is (first 30, tokens 1).

use std::ops::Range;

/// The positions of the keys that the query at `position` sees: those up to its own, with a sliding window the last
/// `window` of them.
///
/// ```
/// use internlm_model::positions::seen_keys;
///
/// assert_eq!((seen_keys(9, None), seen_keys(9, Some(4)), seen_keys(2, Some(4))), (0..10, 6..10, 0..3));
/// ```
#[must_use]
pub fn seen_keys(position: usize, window: Option<usize>) -> Range<usize> {
    let end = position + 1;
    window.map_or(0, |window| end.saturating_sub(window))..end
}

/// Consecutive new tokens of one sequence inside a packed row.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Run {
    /// Position of the first new token, equal to the number of keys this sequence already has.
    pub first: usize,
    /// New tokens in this row.
    pub tokens: usize,
}

impl Run {
    /// Keys the sequence has once the new tokens are appended: the L of the dynamic NTK rule.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.first + self.tokens
    }
}

/// The runs of one packed row, in row order.
///
/// ```
/// use internlm_model::positions::Positions;
///
/// let row = Positions::packed(&[0, 2, 5]);
/// assert_eq!(row.iter().collect::<Vec<_>>(), [0, 1, 0, 1, 2]);
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Positions {
    runs: Vec<Run>,
    /// The length of each run's sequence for the rotation; empty where it is the run's number of keys.
    rope_lengths: Vec<usize>,
}

impl Positions {
    /// Rows of any mixture of sequences, new ones and continued ones.
    #[must_use]
    pub fn from_runs(runs: Vec<Run>) -> Self {
        Self { runs, rope_lengths: Vec::new() }
    }

    /// Rotates each run as part of a sequence of this length: a prompt that is computed in pieces then has the
    /// rotation of the whole prompt where that hangs on the length (dynamic NTK, LongRoPE).
    ///
    /// # Panics
    /// When there is not one length per run.
    #[must_use]
    pub fn with_rope_lengths(self, rope_lengths: Vec<usize>) -> Self {
        assert_eq!(rope_lengths.len(), self.runs.len(), "every run has one length");
        Self { rope_lengths, ..self }
    }

    /// The runs in row order, each with the length of its sequence for the rotation.
    pub fn rope_runs(&self) -> impl Iterator<Item = (Run, usize)> + '_ {
        let lengths = self.rope_lengths.iter().copied().map(Some).chain(std::iter::repeat(None));
        self.runs.iter().zip(lengths).map(|(run, length)| (*run, length.unwrap_or(run.keys())))
    }

    /// One sequence from position 0.
    #[must_use]
    pub fn sequence(tokens: usize) -> Self {
        Self::from_runs(vec![Run { first: 0, tokens }])
    }

    /// A training row: sample j holds the tokens `cumulative[j]..cumulative[j + 1]` and starts at position 0.
    ///
    /// # Panics
    /// When the cumulative lengths decrease.
    #[must_use]
    pub fn packed(cumulative: &[usize]) -> Self {
        let length =
            |pair: &[usize]| pair[1].checked_sub(pair[0]).expect("cumulative lengths never decrease");
        let runs = cumulative.windows(2).map(|pair| Run { first: 0, tokens: length(pair) });
        Self::from_runs(runs.filter(|run| run.tokens > 0).collect())
    }

    /// The runs in row order.
    #[must_use]
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// New tokens of the row, T.
    #[must_use]
    pub fn tokens(&self) -> usize {
        self.runs.iter().map(|run| run.tokens).sum()
    }

    /// The position of every token, in row order.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.runs.iter().flat_map(|run| run.first..run.keys())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decoding_run_continues_after_the_cached_keys() {
        let row = Positions::from_runs(vec![Run { first: 30, tokens: 1 }, Run { first: 0, tokens: 2 }]);
        assert_eq!(row.tokens(), 3);
        assert_eq!(row.iter().collect::<Vec<_>>(), [30, 0, 1]);
        assert_eq!(row.runs()[0].keys(), 31);
    }

    #[test]
    fn runs_have_the_length_of_their_own_keys_unless_another_is_given() {
        let row = Positions::from_runs(vec![Run { first: 4, tokens: 2 }, Run { first: 0, tokens: 3 }]);
        let lengths = |row: &Positions| row.rope_runs().map(|(_, length)| length).collect::<Vec<_>>();
        assert_eq!(lengths(&row), [6, 3]);
        assert_eq!(lengths(&row.with_rope_lengths(vec![9, 3])), [9, 3]);
    }

    #[test]
    fn empty_samples_vanish() {
        assert_eq!(Positions::packed(&[0, 0, 3, 3]), Positions::sequence(3));
    }
}
