//! Log-probabilities of one row of logits: `log softmax(z)_i = z_i - log sum_j exp z_j`.

use internlm_model::TokenId;

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
    /// The most likely ids, best first; of equal ones the smaller id first.
    pub top: Vec<IdLogprob>,
}

/// Whether a row holds a value that is not a number, which means that the model has failed.
pub(crate) fn has_nan(row: &[f32]) -> bool {
    row.iter().any(|value| value.is_nan())
}

/// Scores `chosen` and the `top` most likely ids of one row; an id outside of the row has probability 0.
///
/// # Shapes
/// - row: `[vocab]`
pub(crate) fn scores(row: &[f32], chosen: TokenId, top: usize) -> TokenScores {
    let normalizer = log_sum_exp(row);
    let score = |id: TokenId| {
        let logit = row.get(id.index()).copied().unwrap_or(f32::NEG_INFINITY);
        // JSON has no minus infinity.
        let logprob = ((f64::from(logit) - normalizer) as f32).max(f32::MIN);
        IdLogprob { id, logprob }
    };
    let top = most_likely(row, top).into_iter().map(score).collect();
    TokenScores { chosen: score(chosen), top }
}

/// Summed in f64, so that a vocabulary of 100,000 ids loses nothing.
fn log_sum_exp(row: &[f32]) -> f64 {
    let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    if largest == f32::NEG_INFINITY {
        return 0.0;
    }
    let sum: f64 = row.iter().map(|&value| f64::from((value - largest).exp())).sum();
    f64::from(largest) + sum.ln()
}

/// The ids of the `count` largest values; made for small counts.
fn most_likely(row: &[f32], count: usize) -> Vec<TokenId> {
    let mut best: Vec<(f32, u32)> = Vec::with_capacity(count + 1);
    if count == 0 {
        return Vec::new();
    }
    for (id, &value) in (0..).zip(row) {
        // Later ids lose ties.
        if best.len() < count || value > best[count - 1].0 {
            let place = best.partition_point(|entry| entry.0 >= value);
            best.insert(place, (value, id));
            best.truncate(count);
        }
    }
    best.into_iter().map(|(_, id)| TokenId(id)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn probabilities_sum_to_one_and_are_ordered() {
        let row = [1.0, 3.0, 2.0, 3.0];
        let scores = scores(&row, TokenId(2), 4);
        let ids: Vec<u32> = scores.top.iter().map(|score| score.id.0).collect();
        assert_eq!(ids, [1, 3, 2, 0]);
        let sum: f64 = scores.top.iter().map(|score| f64::from(score.logprob).exp()).sum();
        assert!((sum - 1.0).abs() < 1e-6, "{sum}");
        assert_eq!(scores.chosen, scores.top[2]);
    }

    #[test]
    fn large_logits_do_not_overflow_and_foreign_ids_stay_finite() {
        let scores = scores(&[1e4, 0.0], TokenId(9), 1);
        assert_eq!(scores.top[0].logprob, 0.0);
        assert!(scores.chosen.logprob.is_finite());
    }

    proptest! {
        #[test]
        fn scores_are_those_of_the_formula_in_f64(
            row in prop::collection::vec(-30.0_f32..30.0, 1..40),
            chosen in 0..40_usize,
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
            for score in &found.top {
                prop_assert!((f64::from(score.logprob) - expected[score.id.index()]).abs() < 1e-4);
            }
        }
    }
}
