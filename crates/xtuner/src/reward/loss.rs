//! [`PairLoss`]: ranking and penalty of the two scores of a pair, in f64, with derivatives written by hand.
//!
//! With `x` the chosen score minus the rejected one and `P = s(x)`, s the logistic function:
//!
//! | loss | formula |
//! |---|---|
//! | `ranking` | `-log P` |
//! | `focal` | `-(1 - 2 max(0, P - 1/2))^g log P` |
//!
//! To this l times the penalty of both scores is added: `-(log(x + 5) + log(5 - x))` with x between -4.999 and 4.999, or
//! `x^2`. As in `reward.py` of XTuner, a step is the sum over its pairs divided by their number; unlike there, pairs are
//! counted over the whole step, so that the result does not depend on how it is divided.

use super::config::{Penalty, RankingLoss, RewardConfig};

/// Scores are between minus and plus this.
pub(super) const BOUND: f64 = 5.0;
/// How near the bounds the penalty still grows.
const EPSILON: f64 = 1e-3;

/// The loss of one pair and its derivative by each score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairLoss {
    /// Ranking and weighted penalty.
    pub loss: f64,
    /// Derivative by the chosen score, then by the rejected one.
    pub derivatives: [f64; 2],
}

impl PairLoss {
    /// The loss of `config` for the scores `[chosen, rejected]`.
    #[must_use]
    pub fn of(config: &RewardConfig, scores: [f64; 2]) -> Self {
        let [chosen, rejected] = scores;
        let (rank, slope) = match config.loss {
            RankingLoss::Ranking => ranking(chosen - rejected),
            RankingLoss::Focal => focal(config.gamma(), chosen - rejected),
        };
        let mut pair = Self { loss: rank, derivatives: [slope, -slope] };
        let weight = config.penalty_weight();
        for (score, derivative) in scores.into_iter().zip(&mut pair.derivatives) {
            let (penalty, slope) = penalty(config.penalty, score);
            pair.loss += weight * penalty;
            *derivative += weight * slope;
        }
        pair
    }
}

/// `-log s(x)` and its slope.
fn ranking(x: f64) -> (f64, f64) {
    // The larger of both terms comes first: nothing overflows, and no digits are lost.
    ((-x).max(0.0) + (-x.abs()).exp().ln_1p(), -sigmoid(-x))
}

/// `-(1 - 2 max(0, s(x) - 1/2))^g log s(x)` and its slope.
fn focal(gamma: f64, x: f64) -> (f64, f64) {
    let (rank, slope) = ranking(x);
    if x <= 0.0 {
        return (rank, slope);
    }
    // Where P is above 1/2, 1 - 2 (P - 1/2) is 2 s(-x), whose logarithm has the slope -s(x).
    let factor = (2.0 * sigmoid(-x)).powf(gamma);
    (factor * rank, factor * (slope - gamma * sigmoid(x) * rank))
}

/// The penalty of one score and its slope.
fn penalty(penalty: Penalty, x: f64) -> (f64, f64) {
    match penalty {
        Penalty::None => (0.0, 0.0),
        Penalty::L2 => (x * x, 2.0 * x),
        Penalty::LogBarrier => {
            let most = BOUND - EPSILON;
            let inside = x.clamp(-most, most);
            let value = -((inside + BOUND).ln() + (BOUND - inside).ln());
            let slope = 1.0 / (BOUND - inside) - 1.0 / (inside + BOUND);
            (value, if x.abs() > most { 0.0 } else { slope })
        }
    }
}

/// `s(x) = 1 / (1 + e^-x)`; where the power overflows it is 0, as it should be.
fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

#[cfg(test)]
mod tests;
