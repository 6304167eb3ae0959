//! [`Quantized`]: 8-bit codes on the device of the model.

use burn::module::{Module, Param, ParamId};
use burn::tensor::{DType, Int, Tensor};

use super::dense::{Dense, add_bias};
use crate::kernels;

/// `w = code * scale`, one scale per block of [`Quantized::BLOCK`] consecutive inputs (the layout of Q8_0).
#[derive(Module, Debug)]
pub struct Quantized {
    /// Signed 8-bit codes, `[out * in / BLOCK, BLOCK]`.
    pub codes: Param<Tensor<2, Int>>,
    /// `[out * in / BLOCK, 1]`.
    pub scales: Param<Tensor<2>>,
    /// Bias in floats, `[out]`; `None` when the layer has no bias.
    pub bias: Option<Param<Tensor<1>>>,
    /// Rows of the matrix.
    pub outputs: usize,
    /// Columns of the matrix.
    pub inputs: usize,
}

impl Quantized {
    /// Consecutive inputs that share one scale.
    pub const BLOCK: usize = 32;

    /// The codes of a dense layer: `scale = max |w| / 127` per block, `code = round(w / scale)`. The number of inputs is
    /// a multiple of [`Quantized::BLOCK`].
    pub(super) fn of(dense: Dense) -> Self {
        let [outputs, inputs] = dense.weight.dims();
        let weight = dense.weight.val().detach().inner().cast(DType::F32);
        let blocks = weight.reshape([outputs * inputs / Self::BLOCK, Self::BLOCK]);
        let scales = blocks.clone().abs().max_dim(1).div_scalar(127.0);
        let divisor = scales.clone().mask_fill(scales.clone().equal_elem(0.0), 1.0);
        let codes = (blocks / divisor).round().int().cast(DType::I8);
        Self {
            codes: Param::initialized(ParamId::new(), codes),
            scales: Param::from_tensor(scales).set_require_grad(false),
            bias: dense.bias,
            outputs,
            inputs,
        }
    }

    /// `x W^T + b` with W dequantized for this call.
    ///
    /// # Shapes
    /// - x: `[T, in]`
    /// - output: `[T, out]`
    #[must_use]
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        add_bias(kernels::linear(x, self.dequantized()), self.bias.as_ref())
    }

    /// The matrix in floats, `[out, in]`.
    #[must_use]
    pub fn dequantized(&self) -> Tensor<2> {
        (self.codes.val().float() * self.scales.val()).reshape([self.outputs, self.inputs])
    }
}
