//! The gate of the feed-forward network with a hand-written backward pass.
//!
//! With s = sigmoid(gate) and gradient g: `d up = g gate s`, `d gate = g up s (1 + gate (1 - s))`.

use burn::tensor::Tensor;

use super::plain;

/// `silu(gate) * up`, with `silu(x) = x * sigmoid(x)`.
///
/// # Shapes
/// - gate, up, output: `[T, inter]`
#[must_use]
pub fn swiglu(gate: Tensor<2>, up: Tensor<2>) -> Tensor<2> {
    #[cfg(feature = "flex")]
    if super::fused::accepts(&gate) && super::fused::accepts(&up) {
        return fused::apply(gate, up);
    }
    #[cfg(any(feature = "cuda", feature = "vulkan"))]
    if super::device::accepts_pair(&gate, &up) {
        return super::device::swiglu::apply(gate, up);
    }
    plain::swiglu(gate, up)
}

#[cfg(feature = "flex")]
pub(crate) mod fused {
    //! The kernel of the CPU backend.

    use burn::backend::Dispatch;
    use burn::tensor::Tensor;
    use burn_flex::FlexTensor;

    use crate::kernels::buffer::Buffer;
    use crate::kernels::fused::{FusedBackend, FusedOp, floats};
    use crate::kernels::rows::{self, RowsMut};
    use crate::kernels::vector::{sigmoid, vectorized};

    pub(super) fn apply(gate: Tensor<2>, up: Tensor<2>) -> Tensor<2> {
        Tensor::from_dispatch(Dispatch::fused2(SwigluOp, gate.into_dispatch(), up.into_dispatch()))
    }

    #[derive(Clone, Copy, Debug)]
    struct SwigluOp;

    impl FusedOp<2> for SwigluOp {
        type Saved = (FlexTensor, FlexTensor);

        fn forward(self, [gate, up]: [FlexTensor; 2], _wanted: [bool; 2]) -> (FlexTensor, Self::Saved) {
            let shape = [gate.layout().shape()[0], gate.layout().shape()[1]];
            let mut y = Buffer::stale(shape[0] * shape[1]);
            forward(floats(&gate), floats(&up), &mut y);
            (y.into_tensor(shape), (gate, up))
        }

        fn backward((gate, up): Self::Saved, g: FlexTensor, wanted: [bool; 2]) -> [Option<FlexTensor>; 2] {
            let shape = [gate.layout().shape()[0], gate.layout().shape()[1]];
            let (mut dgate, mut dup) =
                (Buffer::stale(shape[0] * shape[1]), Buffer::stale(shape[0] * shape[1]));
            let inputs = Inputs { gate: floats(&gate), up: floats(&up) };
            backward(floats(&g), inputs, &mut dgate, &mut dup);
            [wanted[0].then(|| dgate.into_tensor(shape)), wanted[1].then(|| dup.into_tensor(shape))]
        }
    }

    /// Elements per task, in units of the row loops.
    const WIDTH: usize = 256;

    /// Writes `silu(gate) * up`.
    pub(crate) fn forward(gate: &[f32], up: &[f32], y: &mut [f32]) {
        rows::for_each(y, WIDTH, |first, y| {
            let range = first * WIDTH..first * WIDTH + y.len();
            let (gate, up) = (&gate[range.clone()], &up[range]);
            gate_slices(gate, up, y);
        });
    }

    vectorized! {
        fn gate_slices(gate: &[f32], up: &[f32], y: &mut [f32]) {
            for ((y, &gate), &up) in y.iter_mut().zip(gate).zip(up) {
                *y = gate * sigmoid(gate) * up;
            }
        }

        fn gradient_slices(g: &[f32], gate: &[f32], up: &[f32], dgate: &mut [f32], dup: &mut [f32]) {
            for ((((&g, &gate), &up), dgate), dup) in g.iter().zip(gate).zip(up).zip(dgate).zip(dup) {
                let s = sigmoid(gate);
                let silu = gate * s;
                *dgate = g * up * (s + silu * (1.0 - s));
                *dup = g * silu;
            }
        }
    }

    /// What the forward pass was given.
    #[derive(Clone, Copy)]
    pub(crate) struct Inputs<'a> {
        pub(crate) gate: &'a [f32],
        pub(crate) up: &'a [f32],
    }

    /// Writes the gradients of gate and up.
    pub(crate) fn backward(g: &[f32], inputs: Inputs<'_>, dgate: &mut [f32], dup: &mut [f32]) {
        let Inputs { gate, up } = inputs;
        let (dgate, dup) = (RowsMut { numbers: dgate, width: WIDTH }, RowsMut { numbers: dup, width: WIDTH });
        rows::for_each2(dgate, dup, |first, dgate, dup| {
            let range = first * WIDTH..first * WIDTH + dgate.len();
            let (g, gate, up) = (&g[range.clone()], &gate[range.clone()], &up[range]);
            gradient_slices(g, gate, up, dgate, dup);
        });
    }
}
