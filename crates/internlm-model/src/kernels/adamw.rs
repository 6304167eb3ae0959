//! AdamW (Loshchilov, Hutter: "Decoupled weight decay regularization", ICLR 2019) where the parameters are.
//!
//! The clip factor and the decision to skip a step are read from the device, where the global norm left them: the host
//! launches the update before it knows them.

use burn::tensor::{Device, Tensor, TensorData};

use super::global_norm::GlobalNorm;
use super::plain;
use super::slots::{BETA1, BETA2, COEFFICIENTS, EPS, KEEP, ROOT_CORRECTION, STEP_SIZE};

/// A parameter and its moments, flat and without autodiff.
#[derive(Clone, Debug)]
pub struct AdamWState {
    /// Its values before or after the update, `[n]`.
    pub parameter: Tensor<1>,
    /// Running mean of the gradient, `[n]`.
    pub first: Tensor<1>,
    /// Running mean of its square, `[n]`.
    pub second: Tensor<1>,
}

/// The coefficients of one update; corrections of the bias are computed by the host, in f64.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamWCoefficients {
    /// Decay of the first moment, b1.
    pub beta1: f32,
    /// Decay of the second moment, b2.
    pub beta2: f32,
    /// `1 / sqrt(1 - b2^t)` of update number t.
    pub root_correction: f32,
    /// Added to the root of the second moment.
    pub eps: f32,
    /// `lr / (1 - b1^t)` of update number t.
    pub step_size: f32,
    /// The factor of the values: `1 - lr * weight decay`, or 1 for parameters that do not decay.
    pub keep: f32,
}

impl AdamWCoefficients {
    /// The buffer that [`adamw`] reads.
    #[must_use]
    pub fn upload(self, device: &Device) -> Tensor<1> {
        let mut numbers = [0.0; COEFFICIENTS];
        numbers[BETA1] = self.beta1;
        numbers[BETA2] = self.beta2;
        numbers[ROOT_CORRECTION] = self.root_correction;
        numbers[EPS] = self.eps;
        numbers[STEP_SIZE] = self.step_size;
        numbers[KEEP] = self.keep;
        Tensor::from_data(TensorData::new(numbers.to_vec(), [COEFFICIENTS]), device)
    }
}

/// One update of a parameter from its gradient, unless `norm` says that the step is skipped; memory that nobody else
/// holds is written in place.
///
/// # Shapes
/// - gradient: `[n]`
/// - coefficients: what [`AdamWCoefficients::upload`] gives
#[must_use]
pub fn adamw(
    state: AdamWState,
    gradient: Tensor<1>,
    coefficients: &Tensor<1>,
    norm: &GlobalNorm,
) -> AdamWState {
    let state = [state.parameter, state.first, state.second];
    assert!(state.iter().all(|part| part.dims() == gradient.dims()), "one moment per number");
    let buffers = [coefficients.clone(), norm.buffer()];
    #[cfg(any(feature = "cuda", feature = "vulkan"))]
    if state.iter().chain([&gradient]).chain(&buffers).all(super::device::accepts) {
        let [parameter, first, second] = super::device::adamw::apply(state, gradient, buffers);
        return AdamWState { parameter, first, second };
    }
    let [parameter, first, second] = plain::adamw(state, gradient, buffers);
    AdamWState { parameter, first, second }
}
