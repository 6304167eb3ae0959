//! What goes into the update of one step and what comes out of it, wherever it runs.

use super::{AdamW, OptimConfig};
use crate::parameters::ParameterInfo;
use crate::report::StepOutcome;

/// The settings of one update.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Update<'a> {
    /// The trained parameters, in the order of the gradients.
    pub(crate) parameters: &'a [ParameterInfo],
    pub(crate) config: &'a OptimConfig,
    /// Learning rate of the step.
    pub(crate) lr: f64,
    /// Number of the update, from 1.
    pub(crate) number: u64,
}

/// What a step reports of its update.
#[derive(Clone, Debug)]
pub(crate) struct Updated {
    pub(crate) loss: f64,
    /// Global gradient norm before clipping.
    pub(crate) grad_norm: f64,
    pub(crate) outcome: StepOutcome,
}

impl Update<'_> {
    /// The coefficients of the update, for gradients that are multiplied by `scale`.
    pub(super) fn adamw(&self, scale: f64) -> AdamW {
        AdamW::new(self.config, self.lr, self.number, scale)
    }

    /// The outcome when the gradient of parameter `first` is not finite; without one it is the loss.
    pub(super) fn skipped(&self, first: Option<usize>) -> StepOutcome {
        let tensor = first.map_or("loss", |index| &self.parameters[index].name).to_owned();
        StepOutcome::Skipped { tensor }
    }
}
