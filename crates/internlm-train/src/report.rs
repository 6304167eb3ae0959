//! What a step, an evaluation and a run tell their caller.

/// What one optimizer step did.
#[derive(Clone, Debug, PartialEq)]
pub struct StepReport {
    /// Number of the step, counted from 1.
    pub step: u64,
    /// Weighted mean of -ln p over the labels of the step, or the objective's loss.
    pub loss: f64,
    /// Learning rate of this step.
    pub lr: f64,
    /// Global gradient norm before clipping.
    pub grad_norm: f64,
    /// Number of tokens of the step.
    pub tokens: u64,
    /// Model FLOPs of forward and backward, see [`crate::Flops`].
    pub flops: f64,
    /// Whether the parameters were updated.
    pub outcome: StepOutcome,
    /// Seconds by part of the step.
    pub times: StepTimes,
    /// Names and values of what the objective measured; empty for cross entropy.
    pub measured: Vec<(String, f64)>,
}

/// Whether a step changed the parameters.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum StepOutcome {
    /// The parameters were updated.
    Updated,
    /// Loss or gradients were not finite; nothing changed.
    Skipped {
        /// The first parameter with such a gradient, or `loss`.
        tensor: String,
    },
}

/// Seconds of the parts of a step. On a GPU forward and backward only launch their kernels: the wait for all of them is
/// part of `optimizer`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StepTimes {
    /// Waiting for rows; measured by the loop.
    pub data: f64,
    /// Forward passes, the loss included.
    pub forward: f64,
    /// Backward passes and accumulation of gradients.
    pub backward: f64,
    /// Sum over ranks, norm, clip and AdamW.
    pub optimizer: f64,
}

impl StepTimes {
    /// Seconds of the whole step.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.data + self.forward + self.backward + self.optimizer
    }
}

/// Loss over rows without training.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Evaluation {
    /// Sum of -ln p, times the weight of each label.
    pub loss_sum: f64,
    /// Number of labels that were predicted.
    pub targets: u64,
    /// Sum of the weights of these labels: their number when each counts once.
    pub weight: f64,
}

impl Evaluation {
    /// Weighted mean of -ln p over the labels; 0 without labels.
    #[must_use]
    pub fn loss(&self) -> f64 {
        if self.weight > 0.0 { self.loss_sum / self.weight } else { 0.0 }
    }
}

/// A loss and its gradient by parameter name.
#[derive(Clone, Debug, PartialEq)]
pub struct LossGradients {
    /// Mean of -ln p over the labels.
    pub loss: f64,
    /// Name and row-major gradient of each parameter that took part, in checkpoint order.
    pub gradients: Vec<(String, Vec<f32>)>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum End {
    /// The last step of the schedule was done.
    Finished,
    /// It was asked to stop, and saved.
    Stopped,
}

/// What a run of the loop did.
#[derive(Clone, Debug, PartialEq)]
pub struct RunReport {
    /// Whether the run is finished or can be resumed.
    pub end: End,
    /// Step of the checkpoint that the run resumed from; `None` when it started at step 0.
    pub resumed_from: Option<u64>,
    /// Names and values of the last validation.
    pub validation: Vec<(String, f64)>,
    /// FLOP/s of a plain matrix product on the device: a utilization of 100 %.
    pub peak: f64,
}
