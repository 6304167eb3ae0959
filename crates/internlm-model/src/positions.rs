//! The positions of the tokens of one packed row: runs of consecutive positions, one run per sequence.
//!
//! Training, prefill and decoding differ only in this description. A training sample of 7 tokens is the
//! run (first 0, tokens 7); one decoding step of a sequence with 30 cached keys is (first 30, tokens 1).

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
}

impl Positions {
    /// Rows of any mixture of sequences, new ones and continued ones.
    #[must_use]
    pub fn from_runs(runs: Vec<Run>) -> Self {
        Self { runs }
    }

    /// One sequence from position 0.
    #[must_use]
    pub fn sequence(tokens: usize) -> Self {
        Self { runs: vec![Run { first: 0, tokens }] }
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
        Self { runs: runs.filter(|run| run.tokens > 0).collect() }
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
    fn empty_samples_vanish() {
        assert_eq!(Positions::packed(&[0, 0, 3, 3]), Positions::sequence(3));
    }
}
