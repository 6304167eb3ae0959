//! [`keep_best`]: the set of blocks with the greatest expected F-measure.
//!
//! With probabilities p, words w and a weight b of recall against precision, the expected F-measure of a set S is
//! approximated by
//!
//! ```text
//! F(S) = (1 + b^2) sum_S(w p) / (b^2 sum_all(w p) + sum_S(w))
//! ```
//!
//! The best set always consists of the k most probable blocks for some k (Jansche 2007, "A maximum expected utility
//! framework for binary sequence labeling"), so one pass over the sorted blocks finds it. The threshold thereby
//! adapts to the page: a page of which little is sure is cut at a lower probability.

/// What the decision needs to know of a block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate {
    /// Number of words; must be positive.
    pub(crate) words: f64,
    /// Probability of being content, 0 to 1.
    pub(crate) probability: f64,
}

impl Candidate {
    fn content(self) -> f64 {
        self.words * self.probability
    }
}

/// For each block, whether it is in the best set. `beta` is the weight of recall: below 1 prefers precision.
/// Among equally probable blocks the earlier is taken first, among equally good sets the smallest.
pub(crate) fn keep_best(blocks: &[Candidate], beta: f64) -> Vec<bool> {
    let mut order: Vec<usize> = (0..blocks.len()).collect();
    order.sort_by(|a, b| blocks[*b].probability.total_cmp(&blocks[*a].probability).then(a.cmp(b)));
    let total: f64 = blocks.iter().map(|block| block.content()).sum();
    let square = beta.powi(2);
    let (mut words, mut content) = (0.0, 0.0);
    let (mut best, mut best_count) = (f64::NEG_INFINITY, 0);
    for (count, at) in order.iter().enumerate() {
        words += blocks[*at].words;
        content += blocks[*at].content();
        let expected = (1.0 + square) * content / (square * total + words);
        if expected > best {
            (best, best_count) = (expected, count + 1);
        }
    }
    let mut kept = vec![false; blocks.len()];
    for at in &order[..best_count] {
        kept[*at] = true;
    }
    kept
}
