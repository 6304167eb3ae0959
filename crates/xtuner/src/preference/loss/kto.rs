//! KTO: each answer against a point of reference that the group it is read with estimates.

use super::super::config::PreferenceConfig;
use super::super::example::ExampleKind;
use super::logistic::{sigmoid, sigmoid_slope};
use super::term::Term;

/// Pairs: half the sum of `1 - s(b (P - zn))` and `1 - s(b (zp - N))`, with `zn = max(0, mean N)` and
/// `zp = max(0, mean P)`, the means over the group. As in XTuner, the gradient includes that of the means.
pub(super) fn pairs(beta: f64, group: &[[f64; 2]]) -> Vec<Term> {
    let count = group.len() as f64;
    let mean = |side: usize| group.iter().map(|scores| scores[side]).sum::<f64>() / count;
    let (mean_chosen, mean_rejected) = (mean(0), mean(1));
    let inner = |[chosen, rejected]: [f64; 2]| {
        [beta * (chosen - positive(mean_rejected)), beta * (positive(mean_chosen) - rejected)]
    };
    let slope = |side: usize| move |x: [f64; 2]| 0.5 * beta * sigmoid_slope(x[side]);
    let total = |side: usize| group.iter().copied().map(inner).map(slope(side)).sum::<f64>() / count;
    // By a score through the mean that it is part of; a mean below 0 has no effect.
    let through_chosen = if mean_chosen > 0.0 { -total(1) } else { 0.0 };
    let through_rejected = if mean_rejected > 0.0 { total(0) } else { 0.0 };
    let terms = group.iter().map(|scores| {
        let x = inner(*scores);
        let by = [through_chosen - slope(0)(x), through_rejected + slope(1)(x)];
        Term { loss: 0.5 * (sigmoid(-x[0]) + sigmoid(-x[1])), by }
    });
    terms.collect()
}

/// Single answers with score P: `w (1 - s(b (P - z)))` when it is liked and `w (1 - s(b (z - P)))` when not. The second
/// score of each example is that of a mismatched answer; z is [`reference_point`], a constant in the backward pass.
pub(super) fn singles(config: &PreferenceConfig, kinds: &[ExampleKind], group: &[[f64; 2]]) -> Vec<Term> {
    let (beta, z) = (config.beta(), reference_point(group));
    let terms = kinds.iter().zip(group).map(|(kind, [own, _])| {
        let (weight, sign) = match kind {
            ExampleKind::Pair | ExampleKind::Desirable => (config.desirable_weight, 1.0),
            ExampleKind::Undesirable => (config.undesirable_weight, -1.0),
        };
        let (weight, x) = (weight.unwrap_or(1.0), sign * beta * (own - z));
        Term { loss: weight * sigmoid(-x), by: [-weight * sign * beta * sigmoid_slope(x), 0.0] }
    });
    terms.collect()
}

/// The estimated divergence of the model from the reference: the mean score of mismatched answers, at least 0.
pub(super) fn reference_point(group: &[[f64; 2]]) -> f64 {
    positive(group.iter().map(|scores| scores[1]).sum::<f64>() / group.len().max(1) as f64)
}

/// `max(0, x)`, in which a number that is not one stays visible.
fn positive(x: f64) -> f64 {
    if x <= 0.0 { 0.0 } else { x }
}
