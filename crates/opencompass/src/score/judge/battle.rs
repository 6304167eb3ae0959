//! Ratings of models from comparisons: the Bradley-Terry model (1952) on the scale of Arena-Hard, where 400 points more
//! mean ten times the odds.
//!
//! P(a beats b) = 1 / (1 + 10^((R_b - R_a) / 400)). The ratings are those of greatest likelihood, found by Hunter's
//! iteration (2004): p_a = W_a / sum over b of n_ab / (p_a + p_b).

use indexmap::IndexMap;

/// Points that multiply the odds by ten.
const SCALE: f64 = 400.0;
/// Rating of the anchor, or the mean rating of all models.
const START: f64 = 1000.0;
/// Bounds of a model's strength. A model that has lost everything has no finite rating.
const BOUND: f64 = 1e10;
/// Number of iterations after which the ratings are taken as they are.
const ITERATIONS: usize = 10_000;

/// The outcome of one comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Battle {
    /// One of the models.
    pub model_a: String,
    /// The model that it meets.
    pub model_b: String,
    /// What `model_a` gets: 1 for a win, 0.5 for a tie, 0 for a loss.
    pub score: f64,
    /// How often the battle counts. Arena-Hard counts clear wins three times.
    pub weight: f64,
}

/// Computes the ratings of all models, in the order in which they occur. The anchor is rated 1000; without it the mean
/// of all is. Models without a common opponent are not comparable.
///
/// ```
/// use opencompass::score::{Battle, bradley_terry};
/// let battle = |score| Battle { model_a: "a".into(), model_b: "b".into(), score, weight: 1.0 };
/// let ratings = bradley_terry(&[battle(1.0), battle(1.0), battle(1.0), battle(0.0)], "b");
/// assert!((ratings["a"] - (1000.0 + 400.0 * 3.0_f64.log10())).abs() < 1e-6);
/// ```
#[must_use]
pub fn bradley_terry(battles: &[Battle], anchor: &str) -> IndexMap<String, f64> {
    let mut names: IndexMap<&str, usize> = IndexMap::new();
    let mut pairs: Vec<Pair> = Vec::with_capacity(battles.len());
    let mut wins: Vec<f64> = Vec::new();
    for battle in battles {
        let [a, b] = [&battle.model_a, &battle.model_b].map(|name| {
            let next = names.len();
            *names.entry(name).or_insert(next)
        });
        wins.resize(names.len(), 0.0);
        wins[a] += battle.weight * battle.score;
        wins[b] += battle.weight * (1.0 - battle.score);
        pairs.push(Pair { a, b, weight: battle.weight });
    }
    let strengths = strengths(&pairs, &wins);
    let points: Vec<f64> = strengths.iter().map(|strength| SCALE * strength.log10()).collect();
    let mean = points.iter().sum::<f64>() / points.len().max(1) as f64;
    let zero = names.get(anchor).map_or(mean, |place| points[*place]);
    names.iter().map(|(name, place)| ((*name).to_owned(), START + points[*place] - zero)).collect()
}

/// A battle between the models at two places.
struct Pair {
    a: usize,
    b: usize,
    weight: f64,
}

fn strengths(pairs: &[Pair], wins: &[f64]) -> Vec<f64> {
    let mut strengths = vec![1.0_f64; wins.len()];
    for _ in 0..ITERATIONS {
        let mut sums = vec![0.0_f64; wins.len()];
        for Pair { a, b, weight } in pairs {
            let share = weight / (strengths[*a] + strengths[*b]);
            sums[*a] += share;
            sums[*b] += share;
        }
        let next = wins.iter().zip(&sums).map(|(wins, sum)| if *sum > 0.0 { wins / sum } else { 1.0 });
        let mut next: Vec<f64> = next.map(|strength| strength.clamp(1.0 / BOUND, BOUND)).collect();
        // Only ratios matter; the geometric mean stays 1.
        let shift = next.iter().map(|strength| strength.ln()).sum::<f64>() / next.len().max(1) as f64;
        for strength in &mut next {
            *strength = (strength.ln() - shift).exp();
        }
        let change = next.iter().zip(&strengths).map(|(new, old)| (new / old).ln().abs()).fold(0.0, f64::max);
        strengths = next;
        if change < 1e-13 {
            break;
        }
    }
    strengths
}

#[cfg(test)]
mod tests {
    use super::*;

    fn battle(a: &str, b: &str, score: f64) -> Battle {
        Battle { model_a: a.to_owned(), model_b: b.to_owned(), score, weight: 1.0 }
    }

    #[test]
    fn three_models_have_the_ratings_of_their_odds() {
        // Odds of a to b are 3, of b to c 2 and of a to c 6, which fit each other exactly.
        let mut battles = Vec::new();
        for (one, other, won, lost) in [("a", "b", 3, 1), ("b", "c", 2, 1), ("a", "c", 6, 1)] {
            battles.extend(std::iter::repeat_n(battle(one, other, 1.0), won));
            battles.extend(std::iter::repeat_n(battle(one, other, 0.0), lost));
        }
        let ratings = bradley_terry(&battles, "c");
        assert!((ratings["c"] - 1000.0).abs() < 1e-9);
        assert!((ratings["b"] - 1000.0 - 400.0 * 2.0_f64.log10()).abs() < 1e-6);
        assert!((ratings["a"] - 1000.0 - 400.0 * 6.0_f64.log10()).abs() < 1e-6);
    }

    #[test]
    fn ties_count_half_and_a_model_without_wins_has_a_finite_rating() {
        let ratings = bradley_terry(&[battle("a", "b", 0.5)], "b");
        assert!((ratings["a"] - 1000.0).abs() < 1e-9);
        let ratings = bradley_terry(&[battle("a", "b", 0.0)], "b");
        assert!(ratings["a"].is_finite() && ratings["a"] < 0.0);
        assert!(bradley_terry(&[], "b").is_empty());
    }
}
