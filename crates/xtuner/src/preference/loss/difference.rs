//! Losses of the difference of two scores: DPO, its robust form, hinge, IPO and SimPO.

use super::logistic::{ln_sigmoid, sigmoid};
use super::term::Term;

/// `-(1 - e) log s(x) - e log s(-x)` for `x = b d - margin`: DPO with label smoothing (margin 0), and SimPO.
pub(super) fn smoothed([beta, margin, smoothing]: [f64; 3], difference: f64) -> Term {
    let x = beta * difference - margin;
    let loss = -(1.0 - smoothing) * ln_sigmoid(x) - smoothing * ln_sigmoid(-x);
    term(loss, beta * (smoothing * sigmoid(x) - (1.0 - smoothing) * sigmoid(-x)))
}

/// `(-(1 - e) log s(b d) + e log s(-b d)) / (1 - 2 e)`: without bias when a share e of the labels is wrong.
pub(super) fn robust(beta: f64, smoothing: f64, difference: f64) -> Term {
    let x = beta * difference;
    let loss = smoothing * ln_sigmoid(-x) - (1.0 - smoothing) * ln_sigmoid(x);
    let slope = -beta * (smoothing * sigmoid(x) + (1.0 - smoothing) * sigmoid(-x));
    let scale = 1.0 / (1.0 - 2.0 * smoothing);
    term(scale * loss, scale * slope)
}

/// `max(0, 1 - b d)`.
pub(super) fn hinge(beta: f64, difference: f64) -> Term {
    let missing = 1.0 - beta * difference;
    // Written so that a number that is not one stays visible.
    if missing <= 0.0 { term(0.0, 0.0) } else { term(missing, -beta) }
}

/// `(d - 1 / (2 b))^2`.
pub(super) fn ipo(beta: f64, difference: f64) -> Term {
    let far = difference - 0.5 / beta;
    term(far * far, 2.0 * far)
}

/// A loss of `chosen - rejected` with its slope.
fn term(loss: f64, slope: f64) -> Term {
    Term { loss, by: [slope, -slope] }
}
