//! Clip and AdamW on the host: norms in f64, one pass over each parameter.

use internlm_model::decoder::Decoder;

use super::update::{Update, Updated};
use super::{Moments, clip_scale, squared_norm};
use crate::gradients::HostGradients;
use crate::parameters;
use crate::report::StepOutcome;

/// Updates the parameters of `decoder` and their moments, unless loss or norm are not finite.
pub(crate) fn step(
    moments: &mut [Moments],
    decoder: &mut Decoder,
    gradients: &HostGradients,
    loss: f64,
    update: &Update<'_>,
) -> Updated {
    let norms: Vec<f64> = gradients
        .iter()
        .map(|buffer| buffer.as_ref().map_or(0.0, |buffer| squared_norm(parameters::numbers(buffer))))
        .collect();
    let grad_norm = norms.iter().sum::<f64>().sqrt();
    if !loss.is_finite() || !grad_norm.is_finite() {
        let outcome = update.skipped(norms.iter().position(|norm| !norm.is_finite()));
        return Updated { loss, grad_norm, outcome };
    }
    let adamw = update.adamw(clip_scale(grad_norm, update.config.clip));
    parameters::update(decoder, &mut |index, values| {
        if let Some(gradient) = &gradients[index] {
            let dimensions = update.parameters[index].shape.len();
            adamw.update(values, parameters::numbers(gradient), &mut moments[index], dimensions);
        }
    });
    Updated { loss, grad_norm, outcome: StepOutcome::Updated }
}
