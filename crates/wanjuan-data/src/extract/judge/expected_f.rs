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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn candidates(pairs: &[(f64, f64)]) -> Vec<Candidate> {
        pairs
            .iter()
            .map(|(words, probability)| Candidate { words: *words, probability: *probability })
            .collect()
    }

    /// The expected F-measure of a set, by the formula.
    fn expected_f(blocks: &[Candidate], set: &[bool], beta: f64) -> f64 {
        let total: f64 = blocks.iter().map(|block| block.words * block.probability).sum();
        let taken = || blocks.iter().zip(set).filter(|(_, kept)| **kept).map(|(block, _)| block);
        let content: f64 = taken().map(|block| block.words * block.probability).sum();
        let words: f64 = taken().map(|block| block.words).sum();
        (1.0 + beta * beta) * content / (beta * beta * total + words)
    }

    #[test]
    fn sure_pages_are_cut_between_content_and_the_rest() {
        let blocks = candidates(&[(3.0, 0.01), (50.0, 0.97), (60.0, 0.95), (40.0, 0.9), (5.0, 0.02)]);
        assert_eq!(keep_best(&blocks, 0.8), [false, true, true, true, false]);
    }

    #[test]
    fn the_threshold_adapts_to_the_page() {
        // A probability of 0.3 is too low where others are sure, and the best there is where none is.
        let sure = candidates(&[(10.0, 0.95), (10.0, 0.9), (10.0, 0.3)]);
        assert_eq!(keep_best(&sure, 0.8), [true, true, false]);
        let unsure = candidates(&[(10.0, 0.05), (10.0, 0.04), (10.0, 0.3)]);
        assert_eq!(keep_best(&unsure, 0.8), [false, false, true]);
    }

    #[test]
    fn recall_takes_more() {
        let blocks = candidates(&[(10.0, 0.9), (10.0, 0.6), (10.0, 0.4), (10.0, 0.2)]);
        let count = |beta| keep_best(&blocks, beta).iter().filter(|kept| **kept).count();
        assert_eq!([count(0.3), count(0.8), count(3.0)], [1, 2, 4]);
    }

    #[test]
    fn ties_are_broken_by_order() {
        let blocks = candidates(&[(1.0, 0.5), (1.0, 0.5)]);
        assert_eq!(keep_best(&blocks, 1.0), [true, true]);
        let nothing = candidates(&[(1.0, 0.0), (1.0, 0.0)]);
        assert_eq!(
            keep_best(&nothing, 1.0),
            [true, false],
            "of equally good sets the smallest that is not empty"
        );
        assert!(keep_best(&[], 1.0).is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        /// No set of blocks at all, tried one by one, has a greater expected F-measure.
        #[test]
        fn no_set_is_better(
            pairs in prop::collection::vec((0.5..80.0_f64, 0.0..1.0_f64), 1..9),
            beta in prop::sample::select(&[0.5, 0.8, 1.0, 1.8][..]),
        ) {
            let blocks = candidates(&pairs);
            let best = expected_f(&blocks, &keep_best(&blocks, beta), beta);
            for bits in 1..1_u32 << blocks.len() {
                let set: Vec<bool> = (0..blocks.len()).map(|at| bits >> at & 1 == 1).collect();
                prop_assert!(expected_f(&blocks, &set, beta) <= best + 1e-9, "{:?}", set);
            }
        }

        /// The kept blocks are the most probable ones.
        #[test]
        fn the_kept_are_the_most_probable(
            pairs in prop::collection::vec((0.5..80.0_f64, 0.0..1.0_f64), 1..60),
            beta in 0.2..3.0_f64,
        ) {
            let blocks = candidates(&pairs);
            let kept = keep_best(&blocks, beta);
            let of = |wanted: bool| blocks.iter().zip(&kept).filter(move |(_, kept)| **kept == wanted).map(|(block, _)| block.probability);
            let lowest = of(true).fold(f64::INFINITY, f64::min);
            prop_assert!(of(false).all(|probability| probability <= lowest));
        }

        /// The order of blocks on the page does not matter, and neither does the unit of their length.
        #[test]
        fn only_words_and_probabilities_matter(
            pairs in prop::collection::vec((0.5..80.0_f64, 0.001..1.0_f64), 1..30),
        ) {
            let blocks = candidates(&pairs);
            let kept = keep_best(&blocks, 0.8);
            let mut reversed: Vec<Candidate> = blocks.clone();
            reversed.reverse();
            let best = |blocks: &[Candidate], kept: &[bool]| expected_f(blocks, kept, 0.8);
            let of_reversed = best(&reversed, &keep_best(&reversed, 0.8));
            prop_assert!((best(&blocks, &kept) - of_reversed).abs() < 1e-9);
            let doubled = candidates(&pairs.iter().map(|(words, p)| (2.0 * words, *p)).collect::<Vec<_>>());
            prop_assert_eq!(keep_best(&doubled, 0.8), kept);
        }
    }
}
