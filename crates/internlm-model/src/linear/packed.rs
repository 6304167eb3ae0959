//! [`Packed`]: a frozen matrix of few bits in host memory.

use std::sync::Arc;

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use super::dense::add_bias;
use crate::kernels::{Frozen, frozen_linear};
use crate::packed::PackedMatrix;

/// `y = x W^T + b` with W packed (see [`PackedMatrix`]) and never trained.
#[derive(Module, Debug)]
pub struct Packed {
    /// The weights, shared by all copies of the layer.
    #[module(skip)]
    pub matrix: Arc<PackedMatrix>,
    /// Bias in floats, `[out]`; `None` when the layer has no bias.
    pub bias: Option<Param<Tensor<1>>>,
    /// Where the inputs are and the outputs will be.
    #[module(skip)]
    pub device: Device,
}

impl Packed {
    /// `x W^T + b`, W decoded tile by tile.
    ///
    /// # Shapes
    /// - x: `[T, in]`
    /// - output: `[T, out]`
    #[must_use]
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        add_bias(frozen_linear(x, &self.frozen()), self.bias.as_ref())
    }

    /// The matrix in floats, `[out, in]`.
    #[must_use]
    pub fn weight(&self) -> Tensor<2> {
        self.frozen().weight(&self.device)
    }

    pub(super) fn frozen(&self) -> Frozen {
        Frozen::Packed(Arc::clone(&self.matrix))
    }
}
