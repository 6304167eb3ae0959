//! The global norm of the gradients, the clip factor and the decision to skip a step, without the host.

use burn::tensor::Tensor;

use super::plain;
use super::slots::{APPLIED, FIRST, LOSS, NORM, OUTCOMES};
use crate::parameter::numbers;

/// Norm, clip factor, loss and decision of one step, on the device of its gradients.
#[derive(Clone, Debug)]
pub struct GlobalNorm {
    numbers: Tensor<1>,
    /// Number of gradients that were measured.
    gradients: usize,
}

/// The numbers of a [`GlobalNorm`] that the host reports.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepNumbers {
    /// The loss that was given.
    pub loss: f32,
    /// Global norm of the gradients before clipping.
    pub norm: f32,
    /// Index of the first gradient whose norm is not finite.
    pub not_finite: Option<usize>,
    /// Whether AdamW changes anything: loss and norm are finite.
    pub applied: bool,
}

/// Measures the gradients of a step, of any number of parameters, and decides whether the step is applied.
///
/// Squares are added in f32 in pieces of fixed size and a fixed tree, so the result does not depend on the device's
/// load and is within 1e-6 of the exact one. A norm beyond the range of f32 squares, 1.8e19, counts as not finite.
///
/// # Shapes
/// - gradients: `[n]` each, without autodiff
/// - loss: `[1]`, without autodiff
#[must_use]
pub fn global_norm(gradients: &[Tensor<1>], loss: Tensor<1>, max_norm: f64) -> GlobalNorm {
    let max_norm = max_norm as f32;
    #[cfg(any(feature = "cuda", feature = "vulkan"))]
    if !gradients.is_empty() && [&loss].into_iter().chain(gradients).all(super::device::accepts) {
        let numbers = super::device::global_norm::apply(gradients, loss, max_norm);
        return GlobalNorm { numbers, gradients: gradients.len() };
    }
    GlobalNorm { numbers: plain::global_norm(gradients, loss, max_norm), gradients: gradients.len() }
}

impl GlobalNorm {
    /// Waits for the device and reads the numbers back; everything that was launched before is done then.
    ///
    /// # Panics
    /// When the device cannot be read back.
    #[must_use]
    pub fn read(&self) -> StepNumbers {
        let numbers: [f32; OUTCOMES] =
            numbers(self.numbers.clone()).try_into().expect("a norm has one number per slot");
        let first = numbers[FIRST] as usize;
        StepNumbers {
            loss: numbers[LOSS],
            norm: numbers[NORM],
            not_finite: (first < self.gradients).then_some(first),
            applied: numbers[APPLIED] > 0.0,
        }
    }

    /// The numbers, in the slots that the kernels know.
    pub(super) fn buffer(&self) -> Tensor<1> {
        self.numbers.clone()
    }
}
