//! The gate of the feed-forward network on a GPU: one unit per number.

use burn::backend::Dispatch;
use burn::backend::cubecl::dtype_to_storage_type;
use burn::tensor::Tensor as BurnTensor;
use burn_cubecl::tensor::CubeTensor;
use cubecl::ir::ElemType;
use cubecl::prelude::*;

use super::backend::{DeviceBackend, DeviceOp};
use super::launch::{Grid, empty, rows, size};

/// `silu(gate) * up`.
pub(in crate::kernels) fn apply(gate: BurnTensor<2>, up: BurnTensor<2>) -> BurnTensor<2> {
    BurnTensor::from_dispatch(Dispatch::device2(SwigluOp, gate.into_dispatch(), up.into_dispatch()))
}

#[derive(Clone, Copy, Debug)]
struct SwigluOp;

impl DeviceOp<2> for SwigluOp {
    type Saved = [CubeTensor; 2];

    fn forward(self, inputs: [CubeTensor; 2], _wanted: [bool; 2]) -> (CubeTensor, Self::Saved) {
        let [gate, up] = inputs.map(rows);
        (forward(&gate, &up), [gate, up])
    }

    fn backward(saved: Self::Saved, gradient: CubeTensor, wanted: [bool; 2]) -> [Option<CubeTensor>; 2] {
        let [dgate, dup] = backward(saved, gradient);
        [wanted[0].then_some(dgate), wanted[1].then_some(dup)]
    }
}

/// `silu(gate) * up` of tensors whose rows have no gaps inside.
pub(super) fn forward(gate: &CubeTensor, up: &CubeTensor) -> CubeTensor {
    let y = empty(gate, [size(gate, 0), size(gate, 1)]);
    let Grid { count, dim } = Grid::units(&gate.client, y.meta.num_elements());
    gate_numbers::launch(
        &gate.client,
        count,
        dim,
        gate.clone().into_tensor_arg(),
        up.clone().into_tensor_arg(),
        y.clone().into_tensor_arg(),
        dtype_to_storage_type(gate.dtype),
    );
    y
}

/// The gradients of gate and up, from that of the output.
pub(super) fn backward([gate, up]: [CubeTensor; 2], gradient: CubeTensor) -> [CubeTensor; 2] {
    let gradient = rows(gradient);
    let shape = [size(&gate, 0), size(&gate, 1)];
    let (dgate, dup) = (empty(&gate, shape), empty(&gate, shape));
    let Grid { count, dim } = Grid::units(&gate.client, dup.meta.num_elements());
    differentiate_numbers::launch(
        &dup.client,
        count,
        dim,
        gate.clone().into_tensor_arg(),
        up.into_tensor_arg(),
        gradient.into_tensor_arg(),
        dgate.clone().into_tensor_arg(),
        dup.clone().into_tensor_arg(),
        dtype_to_storage_type(gate.dtype),
    );
    [dgate, dup]
}

/// `1 / (1 + exp(-x))` without an exponential that overflows.
#[cube]
fn sigmoid(x: f32) -> f32 {
    let e = (-x.abs()).exp();
    let low = e / (f32::new(1.0) + e);
    select(x >= f32::new(0.0), f32::new(1.0) - low, low)
}

#[cube(launch)]
fn gate_numbers<F: Float>(
    gate: &Tensor<F>,
    up: &Tensor<F>,
    y: &mut Tensor<F>,
    #[define(F)] _format: ElemType,
) {
    let (row, column) = (ABSOLUTE_POS / y.shape(1), ABSOLUTE_POS % y.shape(1));
    if row >= y.shape(0) {
        terminate!();
    }
    let x = f32::cast_from(gate[row * gate.stride(0) + column]);
    let factor = f32::cast_from(up[row * up.stride(0) + column]);
    let to = row * y.stride(0) + column;
    y[to] = F::cast_from(x * sigmoid(x) * factor);
}

#[cube(launch)]
fn differentiate_numbers<F: Float>(
    gate: &Tensor<F>,
    up: &Tensor<F>,
    gradient: &Tensor<F>,
    dgate: &mut Tensor<F>,
    dup: &mut Tensor<F>,
    #[define(F)] _format: ElemType,
) {
    let (row, column) = (ABSOLUTE_POS / dup.shape(1), ABSOLUTE_POS % dup.shape(1));
    if row >= dup.shape(0) {
        terminate!();
    }
    let x = f32::cast_from(gate[row * gate.stride(0) + column]);
    let factor = f32::cast_from(up[row * up.stride(0) + column]);
    let g = f32::cast_from(gradient[row * gradient.stride(0) + column]);
    let s = sigmoid(x);
    let silu = x * s;
    let to = row * dup.stride(0) + column;
    dgate[to] = F::cast_from(g * factor * (s + silu * (f32::new(1.0) - s)));
    dup[to] = F::cast_from(g * silu);
}
