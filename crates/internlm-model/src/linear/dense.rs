//! [`Dense`]: a matrix in floats, rounded to the number format of the input when it is used, and an optional bias.

use burn::module::{Module, Param};
use burn::tensor::{DType, Tensor};

use crate::kernels;

/// `y = x W^T + b`.
#[derive(Module, Debug)]
pub struct Dense {
    /// W, `[out, in]`, as checkpoints store it.
    pub weight: Param<Tensor<2>>,
    /// b, `[out]`; `None` when the layer has no bias.
    pub bias: Option<Param<Tensor<1>>>,
}

/// Whether a layer has a bias.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Bias {
    /// A bias that starts at zero.
    Zero,
    /// The layer has no bias parameter.
    Absent,
}

impl Dense {
    /// `x W^T + b`, or `x W^T` without a bias.
    ///
    /// # Shapes
    /// - x: `[T, in]`
    /// - output: `[T, out]`
    #[must_use]
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let weight = self.weight.val().cast(x.dtype());
        add_bias(kernels::linear(x, weight), self.bias.as_ref())
    }

    /// The layer after the gate of a feed-forward network: [`Dense::forward`] of `silu(gate) * up`.
    ///
    /// # Shapes
    /// - gate, up: `[T, in]`
    /// - output: `[T, out]`
    #[must_use]
    pub fn forward_gated(&self, gate: Tensor<2>, up: Tensor<2>) -> Tensor<2> {
        let weight = self.weight.val().cast(up.dtype());
        add_bias(kernels::swiglu_linear(gate, up, weight), self.bias.as_ref())
    }
}

/// `y + b`, or y without a bias.
pub(super) fn add_bias(y: Tensor<2>, bias: Option<&Param<Tensor<1>>>) -> Tensor<2> {
    match bias {
        Some(bias) => {
            // In f32: the gradient of the bias is a sum over all rows.
            let format = y.dtype();
            let sum = y.cast(DType::F32) + bias.val().cast(DType::F32).unsqueeze();
            sum.cast(format)
        }
        None => y,
    }
}
