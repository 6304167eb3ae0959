//! Losses that judge the chosen and the rejected answer each by itself: SPPO and NCA.

use super::logistic::{ln_sigmoid, sigmoid};
use super::term::Term;

/// `(P - 1 / (2 b))^2 + (N + 1 / (2 b))^2`: the chosen answer wins always, the rejected one never.
pub(super) fn sppo_hard(beta: f64, [chosen, rejected]: [f64; 2]) -> Term {
    let (far, near) = (chosen - 0.5 / beta, rejected + 0.5 / beta);
    Term { loss: far * far + near * near, by: [2.0 * far, 2.0 * near] }
}

/// `-log s(b P) - log s(-b P) / 2 - log s(-b N) / 2`.
pub(super) fn nca_pair(beta: f64, [chosen, rejected]: [f64; 2]) -> Term {
    let (p, n) = (beta * chosen, beta * rejected);
    Term {
        loss: -ln_sigmoid(p) - 0.5 * ln_sigmoid(-p) - 0.5 * ln_sigmoid(-n),
        by: [beta * (0.5 * sigmoid(p) - sigmoid(-p)), 0.5 * beta * sigmoid(n)],
    }
}
