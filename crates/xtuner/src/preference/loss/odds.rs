//! ORPO: likelihood of the chosen answer, and the odds by which it is ahead of the rejected one.
//!
//! With `p = e^lc`, `q = e^lr`, `odds(p) = p / (1 - p)` and r the logarithm of the ratio of the odds:
//! `dr/dlc = 1 / (1 - p)`, `dr/dlr = -1 / (1 - q)`, `s(-r) = q (1 - p) / D` with `D = q (1 - p) + p (1 - q)`. The
//! products `s(-r) / (1 - p) = q / D` and `s(-r) / (1 - q)` are computed in this form: they stay finite where an answer
//! is certain and its odds are not.

use super::logistic::{ln_one_minus_exp, ln_sigmoid};
use super::term::Term;

/// `-lc - b log s(o(lc) - o(lr))` with `o(l) = l - log(1 - e^l)`; scores are means over tokens.
///
/// A rejected answer of probability 1 has an infinite loss, and two such answers have none at all: the result is then
/// not finite, which the objective reports.
pub(super) fn orpo(beta: f64, scores: [f64; 2]) -> Term {
    // Rounding may put the logarithm of a probability of 1 above 0.
    let [chosen, rejected] = scores.map(|score| if score > 0.0 { 0.0 } else { score });
    let log_odds = |score: f64| score - ln_one_minus_exp(score);
    let ratio = log_odds(chosen) - log_odds(rejected);
    let (p, q) = (chosen.exp(), rejected.exp());
    let (not_p, not_q) = (-chosen.exp_m1(), -rejected.exp_m1());
    let total = q * not_p + p * not_q;
    let by_chosen = -1.0 - beta * q / total;
    let by_rejected = beta * q * not_p / (not_q * total);
    Term { loss: -chosen - beta * ln_sigmoid(ratio), by: [by_chosen, by_rejected] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certain_chosen_answer_is_the_limit_of_one_that_is_nearly_so() {
        let (near, at) = (orpo(0.1, [-1e-13, -0.5]), orpo(0.1, [0.0, -0.5]));
        assert!((near.loss - at.loss).abs() < 1e-12 && at.loss == 0.0, "{near:?} {at:?}");
        for index in 0..2 {
            assert!((near.by[index] - at.by[index]).abs() < 1e-9, "{near:?} {at:?}");
        }
    }

    #[test]
    fn what_has_no_finite_loss_is_not_hidden() {
        assert_eq!(orpo(0.1, [-0.5, 0.0]).loss, f64::INFINITY);
        assert!(orpo(0.1, [0.0, 0.0]).loss.is_nan());
        assert!(orpo(0.1, [f64::NAN, -1.0]).loss.is_nan());
    }
}
