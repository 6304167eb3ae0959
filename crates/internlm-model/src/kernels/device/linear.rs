//! The product with a transposed weight on a GPU, without a transposed copy.
//!
//! `y = x W^T`, `dx = g W`, `dW = g^T x`.

use burn::backend::Dispatch;
use burn::tensor::Tensor;
use burn_cubecl::tensor::CubeTensor;

use super::backend::{DeviceBackend, DeviceOp};
use super::gemm::{multiply, transposed};
use super::skinny;

/// `y = x W^T`, without a bias.
pub(in crate::kernels) fn apply(x: Tensor<2>, weight: Tensor<2>) -> Tensor<2> {
    Tensor::from_dispatch(Dispatch::device2(LinearOp, x.into_dispatch(), weight.into_dispatch()))
}

#[derive(Clone, Copy, Debug)]
struct LinearOp;

impl DeviceOp<2> for LinearOp {
    type Saved = [CubeTensor; 2];

    fn forward(self, [x, weight]: [CubeTensor; 2], _wanted: [bool; 2]) -> (CubeTensor, Self::Saved) {
        let y = if skinny::takes(&x, &weight) {
            skinny::multiply(&x, &weight)
        } else {
            multiply(x.clone(), transposed(&weight))
        };
        (y, [x, weight])
    }

    fn backward([x, weight]: Self::Saved, g: CubeTensor, wanted: [bool; 2]) -> [Option<CubeTensor>; 2] {
        [wanted[0].then(|| multiply(g.clone(), weight)), wanted[1].then(|| multiply(transposed(&g), x))]
    }
}
