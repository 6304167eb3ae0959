//! The ways in which a group turns its members' scores into one.
//!
//! The formulas are those of upstream's `DefaultSummarizer` (`summarizers/default.py`).

use indexmap::IndexMap;

/// How a group combines the scores of its members.
///
/// ```
/// use opencompass::summary::Combine;
/// let scores = [("mmlu".to_owned(), 60.0), ("ceval".to_owned(), 30.0)];
/// assert_eq!(Combine::Average.apply(&scores), 45.0);
/// assert_eq!(Combine::Harmonic.apply(&scores), 40.0);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Combine {
    /// The arithmetic mean of all members.
    #[default]
    Average,
    /// The mean weighted by these weights. A member without a weight counts nothing.
    Weighted(IndexMap<String, f64>),
    /// The sum, weighted if there are weights.
    Sum(IndexMap<String, f64>),
    /// The population standard deviation.
    Std,
    /// The harmonic mean of all members.
    Harmonic,
    /// The first of two members by the second, such as the perplexity of a test set by that of a reference. Upstream has
    /// nothing like it.
    Ratio,
}

impl Combine {
    /// Returns upstream's name of the combined metric, which a group has unless it names its own.
    #[must_use]
    pub fn metric(&self) -> &'static str {
        match self {
            Self::Average => "naive_average",
            Self::Weighted(_) => "weighted_average",
            Self::Sum(_) => "sum",
            Self::Std => "standard_deviation",
            Self::Harmonic => "harmonic_mean",
            Self::Ratio => "ratio",
        }
    }

    /// Combines the scores of a group, given as pairs of member and score. Not a number without any score, and for a ratio
    /// of other than two.
    #[must_use]
    pub fn apply(&self, scores: &[(String, f64)]) -> f64 {
        let count = scores.len() as f64;
        let total = || scores.iter().map(|(_, score)| score).sum::<f64>();
        match self {
            Self::Average => total() / count,
            Self::Weighted(weights) => weighted(scores, weights) / weights.values().sum::<f64>(),
            Self::Sum(weights) if weights.is_empty() => total(),
            Self::Sum(weights) => weighted(scores, weights),
            Self::Std => {
                let mean = total() / count;
                (scores.iter().map(|(_, score)| (score - mean).powi(2)).sum::<f64>() / count).sqrt()
            }
            Self::Harmonic => {
                // Upstream: if any score is 0 or less, every score counts as at least 1.
                let low = scores.iter().any(|(_, score)| *score <= 0.0);
                let floor = if low { 1.0 } else { f64::MIN_POSITIVE };
                count / scores.iter().map(|(_, score)| 1.0 / score.max(floor)).sum::<f64>()
            }
            Self::Ratio => match scores {
                [(_, first), (_, second)] => first / second,
                _ => f64::NAN,
            },
        }
    }
}

/// The weighted sum. A weight of zero skips its member, so that a score that is not a number does not spread.
fn weighted(scores: &[(String, f64)], weights: &IndexMap<String, f64>) -> f64 {
    let weight = |name: &str| weights.get(name).copied().unwrap_or(0.0);
    let counted = scores.iter().filter(|(name, _)| weight(name) != 0.0);
    counted.map(|(name, score)| score * weight(name)).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn named(scores: &[f64]) -> Vec<(String, f64)> {
        scores.iter().enumerate().map(|(index, score)| (format!("m{index}"), *score)).collect()
    }

    fn weights(weights: &[f64]) -> IndexMap<String, f64> {
        named(weights).into_iter().collect()
    }

    #[test]
    fn every_way_has_its_formula() {
        let scores = named(&[20.0, 50.0, 80.0]);
        for (combine, expected) in [
            (Combine::Average, 50.0),
            (Combine::Weighted(weights(&[1.0, 0.0, 3.0])), 65.0),
            (Combine::Sum(IndexMap::new()), 150.0),
            (Combine::Sum(weights(&[1.0, 0.0, 0.5])), 60.0),
            (Combine::Std, 600.0_f64.sqrt()),
            (Combine::Harmonic, 3.0 / (1.0 / 20.0 + 1.0 / 50.0 + 1.0 / 80.0)),
        ] {
            let found = combine.apply(&scores);
            assert!((found - expected).abs() < 1e-9, "{combine:?}: {found}, expected {expected}");
        }
    }

    #[test]
    fn a_ratio_has_two_members() {
        assert_eq!(Combine::Ratio.apply(&named(&[2.0, 8.0])), 0.25);
        assert!(Combine::Ratio.apply(&named(&[2.0])).is_nan());
    }

    #[test]
    fn scores_of_zero_do_not_make_the_harmonic_mean_zero() {
        // 2 / (1/1 + 1/50): upstream raises every score to at least 1.
        assert!((Combine::Harmonic.apply(&named(&[0.0, 50.0])) - 2.0 / 1.02).abs() < 1e-12);
        assert!((Combine::Harmonic.apply(&named(&[0.5, 50.0])) - 2.0 / 2.02).abs() < 1e-12);
    }

    #[test]
    fn a_weight_of_zero_hides_a_score_that_is_not_a_number() {
        let scores = named(&[f64::NAN, 40.0]);
        assert_eq!(Combine::Weighted(weights(&[0.0, 2.0])).apply(&scores), 40.0);
        assert!(Combine::Weighted(weights(&[1.0, 2.0])).apply(&scores).is_nan());
    }

    proptest! {
        #[test]
        fn means_lie_between_the_extremes(scores in proptest::collection::vec(1.0..100.0_f64, 1..8)) {
            let named = named(&scores);
            let low = scores.iter().copied().fold(f64::INFINITY, f64::min) - 1e-9;
            let high = scores.iter().copied().fold(0.0, f64::max) + 1e-9;
            let average = Combine::Average.apply(&named);
            let harmonic = Combine::Harmonic.apply(&named);
            prop_assert!(low <= harmonic && harmonic <= average + 1e-9 && average <= high);
            prop_assert!((Combine::Sum(IndexMap::new()).apply(&named) - average * scores.len() as f64).abs() < 1e-6);
            prop_assert!(Combine::Std.apply(&named) <= high - low);
        }

        #[test]
        fn equal_weights_are_the_average(scores in proptest::collection::vec(0.0..100.0_f64, 1..8), weight in 0.1..9.0_f64) {
            let equal = weights(&vec![weight; scores.len()]);
            let found = Combine::Weighted(equal).apply(&named(&scores));
            prop_assert!((found - Combine::Average.apply(&named(&scores))).abs() < 1e-9);
        }
    }
}
