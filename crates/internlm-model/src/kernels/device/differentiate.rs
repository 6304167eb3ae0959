//! The beginning of a backward pass on a GPU: a number whose backward pass is a gradient that is already known.

use burn::backend::Dispatch;
use burn::tensor::Tensor;
use burn_cubecl::tensor::CubeTensor;

use super::backend::{DeviceBackend, DeviceOp};
use super::launch::{empty, primitive};

/// A number, `[1]`, that nobody reads; differentiating it gives `output` the gradient `gradient`.
pub(in crate::kernels) fn apply(output: Tensor<2>, gradient: Tensor<2>) -> Tensor<1> {
    let op = SeedOp { gradient: primitive(gradient) };
    Tensor::from_dispatch(Dispatch::device1(op, output.into_dispatch()))
}

#[derive(Clone, Debug)]
struct SeedOp {
    gradient: CubeTensor,
}

impl DeviceOp<1> for SeedOp {
    /// The gradient of the input.
    type Saved = CubeTensor;

    fn forward(self, [output]: [CubeTensor; 1], _wanted: [bool; 1]) -> (CubeTensor, CubeTensor) {
        (empty(&output, [1]), self.gradient)
    }

    fn backward(gradient: CubeTensor, _one: CubeTensor, wanted: [bool; 1]) -> [Option<CubeTensor>; 1] {
        [wanted[0].then_some(gradient)]
    }
}
