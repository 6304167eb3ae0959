//! Half-split rotation of heads on a GPU: one unit per pair of numbers.
//!
//! The same kernel rotates `[T, heads, d]` and the packed projection `[T, (heads + 2 kv_heads) d]`, of which every kv
//! head's last slot, its value, stays as it is. The gradient is turned back by the same angles.

use burn::backend::Dispatch;
use burn::backend::cubecl::dtype_to_storage_type;
use burn::tensor::Tensor as BurnTensor;
use burn_cubecl::CubeBackend;
use burn_cubecl::tensor::CubeTensor;
use cubecl::ir::ElemType;
use cubecl::prelude::*;
use cubecl::zspace::metadata::Metadata;

use super::backend::{DeviceBackend, DeviceOp};
use super::launch::{Grid, empty, rows, size};
use crate::heads::{HeadShape, PackedQkv};

/// `(x1 cos - x2 sin, x2 cos + x1 sin)` of each head.
pub(in crate::kernels) fn apply(x: BurnTensor<3>, cos: BurnTensor<2>, sin: BurnTensor<2>) -> BurnTensor<3> {
    let op = RotaryOp { angles: Angles::new(cos, sin) };
    BurnTensor::from_dispatch(Dispatch::device1(op, x.into_dispatch()))
}

/// Rotates queries and keys of the packed projection; nothing is differentiated.
pub(in crate::kernels) fn apply_packed(
    qkv: &PackedQkv,
    cos: BurnTensor<2>,
    sin: BurnTensor<2>,
) -> BurnTensor<2> {
    let HeadShape { heads, kv_heads } = qkv.shape;
    let packed = qkv.packed.clone().inner().try_into_primitive::<CubeBackend>();
    let packed = packed.expect("kernels take tensors on GPUs only");
    let sizes = [kv_heads, heads / kv_heads, size(&packed, 1) / (heads + 2 * kv_heads)];
    let turned = rotate_groups(packed, &Angles::new(cos, sin), sizes, Direction::Forward);
    BurnTensor::from_primitive::<CubeBackend>(turned)
}

/// Cosines and sines of each token, `[T, d / 2]` each, f32.
#[derive(Clone, Debug)]
pub(super) struct Angles {
    cos: CubeTensor,
    sin: CubeTensor,
}

impl Angles {
    /// The tables as tensors of the GPU; nothing is differentiated by them.
    pub(super) fn new(cos: BurnTensor<2>, sin: BurnTensor<2>) -> Self {
        let primitive = |table: BurnTensor<2>| {
            let table = table.inner().try_into_primitive::<CubeBackend>();
            rows(table.expect("rotation tables are on the device of the row"))
        };
        Self { cos: primitive(cos), sin: primitive(sin) }
    }
}

/// Which slots of a row are rotated, and which way.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct Turn {
    /// Slots of one group, of `d` numbers each.
    pub(super) period: usize,
    /// The first slots of each group, which are rotated; the others are copied.
    pub(super) rotated: usize,
    /// By the angle, or back by it as gradients are.
    pub(super) direction: Direction,
}

/// The sign of the angle.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Direction {
    Forward,
    Back,
}

/// Queries and keys of a projection turned by their angles, values as they are; `[kv heads, queries of each, d]` are the
/// sizes.
///
/// # Shapes
/// - packed, output: `[T, (heads + 2 kv_heads) d]`
pub(super) fn rotate_groups(
    packed: CubeTensor,
    angles: &Angles,
    [kv_heads, group, d]: [usize; 3],
    direction: Direction,
) -> CubeTensor {
    let mut slots = rows(packed);
    let (tokens, width, stride) = (size(&slots, 0), size(&slots, 1), slots.meta.strides()[0]);
    *slots.meta = Metadata::new([tokens, kv_heads * (group + 2), d], [stride, d, 1]);
    let mut turned = rotate(slots, angles, Turn { period: group + 2, rotated: group + 1, direction });
    *turned.meta = Metadata::new([tokens, width], [width, 1]);
    turned
}

/// The rotated copy of `x`, `[T, slots, d]`.
pub(super) fn rotate(x: CubeTensor, angles: &Angles, turn: Turn) -> CubeTensor {
    let x = rows(x);
    let y = empty(&x, [size(&x, 0), size(&x, 1), size(&x, 2)]);
    let Grid { count, dim } = Grid::units(&x.client, y.meta.num_elements() / 2);
    let (client, format) = (x.client.clone(), dtype_to_storage_type(x.dtype));
    turn_pairs::launch(
        &client,
        count,
        dim,
        x.into_tensor_arg(),
        angles.cos.clone().into_tensor_arg(),
        angles.sin.clone().into_tensor_arg(),
        y.clone().into_tensor_arg(),
        turn,
        format,
    );
    y
}

#[derive(Clone, Debug)]
struct RotaryOp {
    angles: Angles,
}

impl DeviceOp<1> for RotaryOp {
    type Saved = Angles;

    fn forward(self, [x]: [CubeTensor; 1], _wanted: [bool; 1]) -> (CubeTensor, Angles) {
        let turn = Turn { period: 1, rotated: 1, direction: Direction::Forward };
        (rotate(x, &self.angles, turn), self.angles)
    }

    fn backward(angles: Angles, gradient: CubeTensor, wanted: [bool; 1]) -> [Option<CubeTensor>; 1] {
        let turn = Turn { period: 1, rotated: 1, direction: Direction::Back };
        [wanted[0].then(|| rotate(gradient, &angles, turn))]
    }
}

#[cube(launch)]
fn turn_pairs<F: Float>(
    x: &Tensor<F>,
    cos: &Tensor<f32>,
    sin: &Tensor<f32>,
    y: &mut Tensor<F>,
    #[comptime] turn: Turn,
    #[define(F)] _format: ElemType,
) {
    let (slots, half) = (y.shape(1), y.shape(2) / 2);
    let (pair, slot) = (ABSOLUTE_POS % half, ABSOLUTE_POS / half % slots);
    let token = ABSOLUTE_POS / (half * slots);
    if token >= y.shape(0) {
        terminate!();
    }
    let from = token * x.stride(0) + slot * x.stride(1) + pair;
    let to = token * y.stride(0) + slot * y.stride(1) + pair;
    let (first, second) = (f32::cast_from(x[from]), f32::cast_from(x[from + half]));
    let c = cos[token * cos.stride(0) + pair];
    let mut s = sin[token * sin.stride(0) + pair];
    if comptime!(turn.direction == Direction::Back) {
        s = -s;
    }
    if slot % turn.period < turn.rotated {
        y[to] = F::cast_from(first * c - second * s);
        y[to + half] = F::cast_from(second * c + first * s);
    } else {
        y[to] = F::cast_from(first);
        y[to + half] = F::cast_from(second);
    }
}
