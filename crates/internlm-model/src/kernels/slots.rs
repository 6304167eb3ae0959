//! Slots of the two small buffers that the kernels of an optimizer step share: what the host sets, what the norm finds.
//!
//! Numbers that change from step to step are in buffers and not among the arguments of a kernel: the arguments of
//! recorded launches cannot change.

/// Decay of the first moment.
pub(super) const BETA1: usize = 0;
/// Decay of the second moment.
pub(super) const BETA2: usize = 1;
/// `1 / sqrt(1 - beta2^t)`.
pub(super) const ROOT_CORRECTION: usize = 2;
/// Added to the root of the second moment.
pub(super) const EPS: usize = 3;
/// `lr / (1 - beta1^t)`.
pub(super) const STEP_SIZE: usize = 4;
/// `1 - lr * weight decay`.
pub(super) const KEEP: usize = 5;
/// Number of coefficients.
pub(super) const COEFFICIENTS: usize = 6;

/// Global norm of the gradients.
pub(super) const NORM: usize = 0;
/// The factor that brings the gradients down to the maximum norm, at most 1.
pub(super) const SCALE: usize = 1;
/// The first tensor with a norm that is not finite; the number of tensors when all are.
pub(super) const FIRST: usize = 2;
/// Loss of the step.
pub(super) const LOSS: usize = 3;
/// 1 when norm and loss are finite, else 0.
pub(super) const APPLIED: usize = 4;
/// Number of outcomes.
pub(super) const OUTCOMES: usize = 5;
