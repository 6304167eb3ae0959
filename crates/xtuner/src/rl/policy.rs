//! The loss of one generated token: the clipped ratio of policies, and the distance to a reference.
//!
//! With `ratio = exp(clamp(log pi - log old, -20, 20))` and the advantage A (PPO, Schulman et al., 2017; the bounds are
//! apart as in DAPO, Yu et al., 2025):
//!
//! `max(-ratio A, -clamp(ratio, 1 - low, 1 + high) A)`, for A < 0 at most `-cap A` (dual clip, Ye et al., 2020).
//!
//! KL to a reference with `d = log pi - log ref`, clamped to 20: `k1` d, `abs` |d|, `k2` d^2 / 2, `k3`
//! `e^-d + d - 1`, at most 10 (Schulman's "Approximating KL divergence"). All are pure functions in f64 with their
//! derivatives by `log pi`.

use serde::{Deserialize, Serialize};

/// Bound of differences of log-probabilities: beyond it `exp` says nothing.
const MAX_DIFFERENCE: f64 = 20.0;
/// Maximum of `k3` for one token.
const MAX_K3: f64 = 10.0;

/// A value and its derivative by the log-probability of the token.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Term {
    /// The loss of the token.
    pub loss: f64,
    /// Its derivative by the log-probability that the policy gives the token.
    pub derivative: f64,
}

/// Bounds of the ratio between the new and the old policy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clip {
    /// The ratio is not rewarded below `1 - low`.
    pub low: f64,
    /// The ratio is not rewarded above `1 + high`.
    pub high: f64,
    /// Bound of the loss for negative advantages, in multiples of `-A`; `None` for none.
    pub cap: Option<f64>,
}

/// The estimator of the KL divergence between policy and reference.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "kebab-case")]
pub enum KlEstimator {
    /// `d`: unbiased, of any sign.
    K1,
    /// `|d|`, the size of the difference.
    Abs,
    /// `d^2 / 2`, never negative, with a small variance.
    K2,
    /// `e^-d + d - 1`: unbiased and never negative.
    #[default]
    K3,
}

/// The clipped loss of one token whose log-probability was `old` when it was generated.
///
/// ```
/// use xtuner::rl::{Clip, policy_term};
///
/// let clip = Clip { low: 0.2, high: 0.28, cap: Some(3.0) };
/// let term = policy_term(-1.0, -1.0, 0.5, &clip);
/// assert_eq!((term.loss, term.derivative), (-0.5, -0.5));
/// // Beyond the bound there is nothing to gain.
/// assert_eq!(policy_term(-0.5, -1.0, 0.5, &clip).derivative, 0.0);
/// ```
#[must_use]
pub fn policy_term(log_prob: f64, old: f64, advantage: f64, clip: &Clip) -> Term {
    let difference = log_prob - old;
    let ratio = ratio(difference);
    let slope = if difference.abs() < MAX_DIFFERENCE { ratio } else { 0.0 };
    let free = -ratio * advantage;
    let clipped = -ratio.clamp(1.0 - clip.low, 1.0 + clip.high) * advantage;
    let term = if free >= clipped {
        Term { loss: free, derivative: -slope * advantage }
    } else {
        Term { loss: clipped, derivative: 0.0 }
    };
    match clip.cap.filter(|_| advantage < 0.0).map(|cap| -cap * advantage) {
        Some(bound) if term.loss > bound => Term { loss: bound, derivative: 0.0 },
        _ => term,
    }
}

/// Whether the bounds of `clip` hold the ratio of a token back.
#[must_use]
pub fn is_clipped(log_prob: f64, old: f64, advantage: f64, clip: &Clip) -> bool {
    let term = policy_term(log_prob, old, advantage, clip);
    advantage != 0.0 && term.derivative == 0.0
}

/// How much likelier the new policy finds a token: `exp` of the bounded difference of log-probabilities.
#[must_use]
pub fn ratio(difference: f64) -> f64 {
    difference.clamp(-MAX_DIFFERENCE, MAX_DIFFERENCE).exp()
}

/// The distance of one token's log-probability to that of a reference.
///
/// ```
/// use xtuner::rl::{KlEstimator, kl_term};
///
/// let term = kl_term(KlEstimator::K2, -1.0, -3.0);
/// assert_eq!((term.loss, term.derivative), (2.0, 2.0));
/// ```
#[must_use]
pub fn kl_term(estimator: KlEstimator, log_prob: f64, reference: f64) -> Term {
    let difference = log_prob - reference;
    let inside = difference.abs() < MAX_DIFFERENCE;
    let d = difference.clamp(-MAX_DIFFERENCE, MAX_DIFFERENCE);
    let (loss, slope) = match estimator {
        KlEstimator::K1 => (d, 1.0),
        KlEstimator::Abs => (d.abs(), if d == 0.0 { 0.0 } else { d.signum() }),
        KlEstimator::K2 => (0.5 * d * d, d),
        KlEstimator::K3 => {
            let excess = (-d).exp() + d - 1.0;
            (excess.min(MAX_K3), if excess < MAX_K3 { 1.0 - (-d).exp() } else { 0.0 })
        }
    };
    Term { loss, derivative: if inside { slope } else { 0.0 } }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIP: Clip = Clip { low: 0.2, high: 0.28, cap: Some(3.0) };

    /// Compares the derivative of `term` with a central difference.
    fn check(place: &str, log_prob: f64, term: impl Fn(f64) -> Term) {
        let step = 1e-6;
        let expected = (term(log_prob + step).loss - term(log_prob - step).loss) / (2.0 * step);
        let found = term(log_prob).derivative;
        let scale = 1.0 + expected.abs().max(found.abs());
        assert!((found - expected).abs() <= 1e-5 * scale, "{place}: {found}, expected {expected}");
    }

    #[test]
    fn derivatives_are_those_of_finite_differences() {
        for advantage in [-2.0, -0.3, 0.0, 0.7, 5.0] {
            // Away from the corners of the loss, where it has no derivative.
            for difference in [-25.0, -3.0, -0.31, -0.1, 0.0, 0.1, 0.2, 0.4, 1.05, 1.2, 19.0, 30.0] {
                let place = format!("advantage {advantage}, difference {difference}");
                check(&place, -1.5 + difference, |log_prob| policy_term(log_prob, -1.5, advantage, &CLIP));
            }
        }
        use KlEstimator::{Abs, K1, K2, K3};
        for estimator in [K1, Abs, K2, K3] {
            for difference in [-22.0, -3.0, -2.0, -0.5, 1e-3, 0.5, 2.0, 9.0, 11.5, 21.0] {
                let place = format!("{estimator:?}, difference {difference}");
                check(&place, -2.0 + difference, |log_prob| kl_term(estimator, log_prob, -2.0));
            }
        }
    }

    #[test]
    fn the_bounds_hold_on_their_own_sides() {
        let term = |difference: f64, advantage: f64| policy_term(difference, 0.0, advantage, &CLIP);
        assert_eq!(term(1.0, 1.0), Term { loss: -1.28, derivative: 0.0 });
        assert_eq!(term(-1.0, 1.0).derivative, -(-1.0_f64).exp());
        assert_eq!(term(-1.0, -1.0), Term { loss: 0.8, derivative: 0.0 });
        assert_eq!(term(1.0, -1.0).derivative, 1.0_f64.exp());
        assert_eq!(term(2.0, -1.0), Term { loss: 3.0, derivative: 0.0 });
        let open = Clip { cap: None, ..CLIP };
        assert_eq!(policy_term(2.0, 0.0, -1.0, &open).loss, 2.0_f64.exp());
        assert!(is_clipped(1.0, 0.0, 1.0, &CLIP) && !is_clipped(0.0, 0.0, 1.0, &CLIP));
        assert!(!is_clipped(1.0, 0.0, 0.0, &CLIP));
    }

    #[test]
    fn a_policy_that_is_the_reference_has_no_distance() {
        use KlEstimator::{Abs, K1, K2, K3};
        for estimator in [K1, Abs, K2, K3] {
            assert_eq!(kl_term(estimator, -0.5, -0.5).loss, 0.0, "{estimator:?}");
        }
        assert_eq!(kl_term(K3, -15.0, 0.0), Term { loss: 10.0, derivative: 0.0 });
    }
}
