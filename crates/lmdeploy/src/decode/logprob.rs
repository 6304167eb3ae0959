//! Log-probabilities of one row of logits: `log softmax(z)_i = z_i - log sum_j exp z_j`.

use internlm_model::TokenId;
use internlm_model::sampling::largest;

/// Number of values in a block of a row: blocks are read by vectors, with a place in the result for each value.
const LANES: usize = 32;

/// An id and the natural logarithm of its probability.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IdLogprob {
    /// The id whose probability it is.
    pub id: TokenId,
    /// The natural logarithm of its probability.
    pub logprob: f32,
}

/// Log-probabilities at one place of a text: of the id there, and of the most likely ids.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenScores {
    /// The id that is there, whether it was sampled or given.
    pub chosen: IdLogprob,
    /// Its place among all ids in the same order as in `top`, from 1.
    pub rank: usize,
    /// The most likely ids, or those that a request names and `chosen` among them; best first, of equal ones the smaller
    /// id first.
    pub top: Vec<IdLogprob>,
}

/// Whether a row holds NaN or positive infinity, which means that the model has failed. Negative infinity is a logit.
pub(crate) fn is_broken(row: &[f32]) -> bool {
    let broken = |any: bool, value: &f32| any | value.is_nan() | (*value == f32::INFINITY);
    // No early end inside of a block, so that it is read by vectors.
    row.chunks(1024).any(|block| block.iter().fold(false, broken))
}

/// Scores `chosen` and the `top` most likely ids of one row; an id outside of the row has probability 0.
///
/// # Shapes
/// - row: `[vocab]`
pub(crate) fn scores(row: &[f32], chosen: TokenId, top: usize) -> TokenScores {
    let normalizer = log_sum_exp(row);
    let top = largest(row, top).into_iter().map(|(id, _)| score(row, normalizer, id)).collect();
    TokenScores { chosen: score(row, normalizer, chosen), rank: rank(row, chosen), top }
}

/// Scores `chosen` and `named` ids of one row, each of them once; an id outside of the row has probability 0.
///
/// # Shapes
/// - row: `[vocab]`
pub(crate) fn named_scores(row: &[f32], chosen: TokenId, named: &[TokenId]) -> TokenScores {
    let normalizer = log_sum_exp(row);
    let ids = named.iter().copied().filter(|id| *id != chosen).chain([chosen]);
    let mut top: Vec<IdLogprob> = ids.map(|id| score(row, normalizer, id)).collect();
    top.sort_by(|left, right| right.logprob.total_cmp(&left.logprob).then(left.id.0.cmp(&right.id.0)));
    top.dedup_by_key(|score| score.id);
    TokenScores { chosen: score(row, normalizer, chosen), rank: rank(row, chosen), top }
}

/// The log-probability of an id; `normalizer` is the logarithm of the sum of all powers.
fn score(row: &[f32], normalizer: f64, id: TokenId) -> IdLogprob {
    let logit = row.get(id.index()).copied().unwrap_or(f32::NEG_INFINITY);
    // JSON has no minus infinity.
    let logprob = ((f64::from(logit) - normalizer) as f32).max(f32::MIN);
    IdLogprob { id, logprob }
}

/// The place of an id, from 1, among all ids of a row by their logits; of equal ones the smaller id comes first.
fn rank(row: &[f32], id: TokenId) -> usize {
    let (before, from) = row.split_at(id.index().min(row.len()));
    let logit = from.first().copied().unwrap_or(f32::NEG_INFINITY);
    let above = from.iter().filter(|other| **other > logit).count();
    1 + above + before.iter().filter(|other| **other >= logit).count()
}

/// Summed in f64, so that a vocabulary of 100,000 ids loses nothing.
fn log_sum_exp(row: &[f32]) -> f64 {
    let mut largest = [f32::NEG_INFINITY; LANES];
    blocks(row).for_each(|block| {
        for (largest, value) in largest.iter_mut().zip(block) {
            *largest = if value > *largest { value } else { *largest };
        }
    });
    let largest = largest.into_iter().fold(f32::NEG_INFINITY, f32::max);
    if largest == f32::NEG_INFINITY {
        return 0.0;
    }
    let mut sums = [0.0_f64; LANES];
    blocks(row).for_each(|block| {
        for (sum, value) in sums.iter_mut().zip(block) {
            *sum += f64::from(exp(value - largest));
        }
    });
    f64::from(largest) + sums.iter().sum::<f64>().ln()
}

/// The row in blocks; negative infinity fills the last one.
fn blocks(row: &[f32]) -> impl Iterator<Item = [f32; LANES]> {
    let (whole, rest) = row.as_chunks::<LANES>();
    let mut last = [f32::NEG_INFINITY; LANES];
    last[..rest.len()].copy_from_slice(rest);
    whole.iter().copied().chain(std::iter::once(last))
}

/// `e^x` for x up to 0 without a call or a branch, with a relative error below 3e-7. Powers below e^-86 are not zero, but
/// vanish in a sum that begins with 1.
///
/// `x = n ln 2 + r` with |r| up to `ln 2 / 2` (W. J. Cody and W. Waite, "Software manual for the elementary functions",
/// 1980), then the series of `e^r` up to `r^6`, to whose exponent n is added.
fn exp(x: f32) -> f32 {
    /// Added to a number of at most 22 bits, it leaves the nearest whole number in the last bits.
    const ROUND: f32 = 12_582_912.0;
    /// `ln 2` in two parts, of which the first has few digits.
    const LN_2: [f32; 2] = [355.0 / 512.0, -2.121_944_4e-4];
    const SERIES: [f32; 7] = [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0];
    let x = if x > -86.0 { x } else { -86.0 };
    let rounded = x * std::f32::consts::LOG2_E + ROUND;
    let whole = rounded - ROUND;
    let rest = (x - whole * LN_2[0]) - whole * LN_2[1];
    let power = SERIES.iter().fold(0.0_f32, |sum, factor| sum * rest + factor);
    f32::from_bits(power.to_bits().wrapping_add(rounded.to_bits() << 23))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn named_ids_are_scored_in_place_of_the_most_likely_ones() {
        let row = [1.0, 3.0, 2.0, 3.0];
        let named = [0, 3, 0, 9].map(TokenId);
        let scored = named_scores(&row, TokenId(2), &named);
        let ids: Vec<u32> = scored.top.iter().map(|score| score.id.0).collect();
        assert_eq!(ids, [3, 2, 0, 9], "each once, best first");
        let all = scores(&row, TokenId(2), 4);
        assert_eq!((scored.chosen, scored.rank), (all.chosen, all.rank));
        assert!(scored.top[..3].iter().all(|score| all.top.contains(score)), "{scored:?}");
        assert_eq!(scored.top[3].logprob, f32::MIN);
        assert_eq!(named_scores(&row, TokenId(3), &named).top.len(), 3, "the chosen one is named");
    }

    #[test]
    fn probabilities_sum_to_one_and_are_ordered() {
        let row = [1.0, 3.0, 2.0, 3.0];
        let scores = scores(&row, TokenId(2), 4);
        let ids: Vec<u32> = scores.top.iter().map(|score| score.id.0).collect();
        assert_eq!(ids, [1, 3, 2, 0]);
        let sum: f64 = scores.top.iter().map(|score| f64::from(score.logprob).exp()).sum();
        assert!((sum - 1.0).abs() < 1e-6, "{sum}");
        assert_eq!((scores.chosen, scores.rank), (scores.top[2], 3));
    }

    #[test]
    fn large_logits_do_not_overflow_and_foreign_ids_stay_finite() {
        let scores = scores(&[1e4, 0.0], TokenId(9), 1);
        assert_eq!(scores.top[0].logprob, 0.0);
        assert!(scores.chosen.logprob.is_finite());
        assert_eq!(scores.rank, 3, "behind all ids of the row");
    }

    #[test]
    fn the_exponential_is_that_of_the_standard_library() {
        for step in 0..86_000 {
            let x = -(step as f32) / 1000.0;
            let expected = f64::from(x).exp();
            let error = f64::from(exp(x)) / expected - 1.0;
            assert!(error.abs() < 3e-7, "e^{x}: a relative error of {error}");
        }
        assert_eq!(exp(0.0), 1.0);
        assert!(exp(f32::NEG_INFINITY) < 1e-37 && exp(-1e30) < 1e-37);
    }

    #[test]
    fn a_row_is_broken_by_what_no_model_computes() {
        for (value, broken) in
            [(f32::NAN, true), (f32::INFINITY, true), (f32::NEG_INFINITY, false), (f32::MAX, false)]
        {
            for place in [0, 40, 1023, 1024, 2499] {
                let mut row = vec![0.5; 2500];
                row[place] = value;
                assert_eq!(is_broken(&row), broken, "{value} at {place}");
            }
        }
        assert!(!is_broken(&[]));
    }

    #[test]
    fn forbidden_ids_have_no_probability_and_are_not_among_the_most_likely() {
        let scores = scores(&[1.0, f32::NEG_INFINITY, 1.0], TokenId(1), 5);
        assert_eq!(scores.chosen.logprob, f32::MIN);
        let ids: Vec<u32> = scores.top.iter().map(|score| score.id.0).collect();
        assert_eq!(ids, [0, 2]);
    }

    proptest! {
        #[test]
        fn scores_are_those_of_the_formula_in_f64(
            row in prop::collection::vec(-30.0_f32..30.0, 1..90),
            chosen in 0..90_usize,
            top in 0..8_usize,
        ) {
            let chosen = chosen % row.len();
            let sum: f64 = row.iter().map(|&logit| f64::from(logit).exp()).sum();
            let expected: Vec<f64> = row.iter().map(|&logit| f64::from(logit) - sum.ln()).collect();
            let found = scores(&row, TokenId(chosen as u32), top);
            prop_assert!((f64::from(found.chosen.logprob) - expected[chosen]).abs() < 1e-4);
            let mut order: Vec<usize> = (0..row.len()).collect();
            order.sort_by(|&a, &b| row[b].total_cmp(&row[a]).then(a.cmp(&b)));
            let ids: Vec<usize> = found.top.iter().map(|score| score.id.index()).collect();
            prop_assert_eq!(&ids, &order[..top.min(row.len())]);
            prop_assert_eq!(order[found.rank - 1], chosen);
            for score in &found.top {
                prop_assert!((f64::from(score.logprob) - expected[score.id.index()]).abs() < 1e-4);
            }
        }
    }
}
