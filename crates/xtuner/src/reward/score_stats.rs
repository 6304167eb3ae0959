//! [`ScoreStats`]: what the scores of pairs come to.

use super::loss::BOUND;

/// How near a bound a score is counted as being there.
const NEAR: f64 = 0.1;

/// Counts and sums over the scores of pairs.
///
/// ```
/// use xtuner::reward::ScoreStats;
///
/// let mut stats = ScoreStats::default();
/// stats.add([1.0, -1.0]);
/// stats.add([-4.95, 2.0]);
/// assert_eq!((stats.pairs(), stats.accuracy(), stats.near_bound()), (2, 0.5, 0.25));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ScoreStats {
    pairs: usize,
    right: usize,
    near: usize,
    sums: [f64; 2],
}

impl ScoreStats {
    /// Adds a pair with the scores `[chosen, rejected]`.
    pub fn add(&mut self, scores: [f64; 2]) {
        self.pairs += 1;
        self.right += usize::from(scores[0] > scores[1]);
        self.near += scores.iter().filter(|score| score.abs() >= BOUND - NEAR).count();
        self.sums.iter_mut().zip(scores).for_each(|(sum, score)| *sum += score);
    }

    /// Number of pairs that were added.
    #[must_use]
    pub fn pairs(&self) -> usize {
        self.pairs
    }

    /// Share of pairs whose chosen answer has the larger score; equal scores are wrong. 0 without pairs.
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        self.right as f64 / self.pairs.max(1) as f64
    }

    /// Mean score of the chosen answers.
    #[must_use]
    pub fn chosen(&self) -> f64 {
        self.sums[0] / self.pairs.max(1) as f64
    }

    /// Mean score of the rejected answers.
    #[must_use]
    pub fn rejected(&self) -> f64 {
        self.sums[1] / self.pairs.max(1) as f64
    }

    /// Share of scores that are within 0.1 of a bound, -5 or 5, or beyond it.
    #[must_use]
    pub fn near_bound(&self) -> f64 {
        self.near as f64 / (2 * self.pairs).max(1) as f64
    }

    /// Names and values, in the order of the columns of `metrics.jsonl`; nothing without pairs.
    #[must_use]
    pub fn named(&self) -> Vec<(String, f64)> {
        if self.pairs == 0 {
            return Vec::new();
        }
        let columns = [
            ("reward_chosen", self.chosen()),
            ("reward_rejected", self.rejected()),
            ("accuracy", self.accuracy()),
            ("margin", self.chosen() - self.rejected()),
            ("near_bound", self.near_bound()),
        ];
        columns.map(|(name, value)| (name.to_owned(), value)).into()
    }
}
