//! Gate and product on a GPU, of which only the inputs are kept; the gradient of the weight is in f32.

use burn::backend::Dispatch;
use burn::tensor::Tensor;
use burn_cubecl::tensor::CubeTensor;

use super::backend::{DeviceBackend, DeviceOp};
use super::gemm::{multiply, multiply_f32, transposed};
use super::launch::{empty, rows, size};
use super::linear::multiply_transposed;
use super::swiglu;

/// `(silu(gate) * up) W^T`.
pub(in crate::kernels) fn apply(gate: Tensor<2>, up: Tensor<2>, weight: Tensor<2>) -> Tensor<2> {
    let [gate, up, weight] = [gate, up, weight].map(|input| input.into_dispatch());
    Tensor::from_dispatch(Dispatch::device3(SwigluLinearOp, gate, up, weight))
}

#[derive(Clone, Copy, Debug)]
struct SwigluLinearOp;

impl DeviceOp<3> for SwigluLinearOp {
    type Saved = [CubeTensor; 3];

    fn forward(self, [gate, up, weight]: [CubeTensor; 3], _wanted: [bool; 3]) -> (CubeTensor, Self::Saved) {
        let [gate, up] = [gate, up].map(rows);
        let y = empty(&up, [size(&up, 0), size(&weight, 0)]);
        multiply_transposed(&swiglu::forward(&gate, &up), &weight, &y);
        (y, [gate, up, weight])
    }

    fn backward(
        [gate, up, weight]: Self::Saved,
        g: CubeTensor,
        wanted: [bool; 3],
    ) -> [Option<CubeTensor>; 3] {
        let dw = wanted[2].then(|| multiply_f32(transposed(&g), swiglu::forward(&gate, &up)));
        if !wanted[0] && !wanted[1] {
            return [None, None, dw];
        }
        let [dgate, dup] = swiglu::backward([gate, up], multiply(g, weight));
        [wanted[0].then_some(dgate), wanted[1].then_some(dup), dw]
    }
}
