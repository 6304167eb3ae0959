//! RMSNorm with a hand-written backward pass that keeps only `1 / rms` of each row.
//!
//! With r = 1 / sqrt(mean(x^2) + eps) and gradient g: `dx = r (w g) - x r^3 / n sum(w g x)`,
//! `dw = sum over rows of g x r`.

use burn::tensor::Tensor;

use super::plain;

/// `y = x / sqrt(mean(x^2) + eps) * weight`.
///
/// # Shapes
/// - x, y: `[T, hidden]`
/// - weight: `[hidden]`
#[must_use]
pub fn rms_norm(x: Tensor<2>, weight: Tensor<1>, eps: f64) -> Tensor<2> {
    #[cfg(feature = "flex")]
    if super::fused::accepts(&x) && super::fused::accepts(&weight) {
        return fused::apply(x, weight, eps);
    }
    #[cfg(any(feature = "cuda", feature = "vulkan"))]
    if super::device::accepts_pair(&x, &weight) {
        return super::device::rms_norm::apply(x, weight, eps);
    }
    plain::rms_norm(x, weight, eps)
}

#[cfg(feature = "flex")]
pub(crate) mod fused {
    //! The kernel of the CPU backend.

    use burn::backend::Dispatch;
    use burn::tensor::Tensor;
    use burn_flex::FlexTensor;
    use rayon::prelude::*;

    use crate::kernels::buffer::Buffer;
    use crate::kernels::fused::{FusedBackend, FusedOp, floats};
    use crate::kernels::rows::{self, ROWS, RowsMut};
    use crate::kernels::vector::{dot, sum, vectorized};

    pub(super) fn apply(x: Tensor<2>, weight: Tensor<1>, eps: f64) -> Tensor<2> {
        let op = RmsNormOp { eps: eps as f32 };
        Tensor::from_dispatch(Dispatch::fused2(op, x.into_dispatch(), weight.into_dispatch()))
    }

    #[derive(Clone, Copy, Debug)]
    struct RmsNormOp {
        eps: f32,
    }

    /// Input, weight and `1 / rms` of each row.
    type Saved = (FlexTensor, FlexTensor, FlexTensor);

    impl FusedOp<2> for RmsNormOp {
        type Saved = Saved;

        fn forward(self, [x, weight]: [FlexTensor; 2], _wanted: [bool; 2]) -> (FlexTensor, Saved) {
            let hidden = floats(&weight).len();
            let count = floats(&x).len() / hidden;
            let mut y = Buffer::stale(count * hidden);
            let mut inverse = Buffer::stale(count);
            forward(floats(&x), floats(&weight), self.eps, &mut y, &mut inverse);
            (y.into_tensor([count, hidden]), (x, weight, inverse.into_tensor([count])))
        }

        fn backward(
            (x, weight, inverse): Saved,
            g: FlexTensor,
            wanted: [bool; 2],
        ) -> [Option<FlexTensor>; 2] {
            let hidden = floats(&weight).len();
            let count = floats(&inverse).len();
            let mut dx = Buffer::stale(count * hidden);
            let mut dw = Buffer::stale(hidden);
            let row = Rows { x: floats(&x), weight: floats(&weight), inverse: floats(&inverse) };
            backward(&row, floats(&g), &mut dx, &mut dw);
            [wanted[0].then(|| dx.into_tensor([count, hidden])), wanted[1].then(|| dw.into_tensor([hidden]))]
        }
    }

    /// Writes the normalized rows and `1 / rms` of each.
    pub(crate) fn forward(x: &[f32], weight: &[f32], eps: f32, y: &mut [f32], inverse: &mut [f32]) {
        let hidden = weight.len();
        let (y, inverse) = (RowsMut { numbers: y, width: hidden }, RowsMut { numbers: inverse, width: 1 });
        rows::for_each2(y, inverse, |first, y, inverse| {
            normalize_rows(&x[first * hidden..first * hidden + y.len()], weight, eps, y, inverse);
        });
    }

    /// What the backward pass knows of the forward pass.
    pub(crate) struct Rows<'a> {
        pub(crate) x: &'a [f32],
        pub(crate) weight: &'a [f32],
        pub(crate) inverse: &'a [f32],
    }

    /// Writes the gradients of the input and of the weight.
    pub(crate) fn backward(saved: &Rows<'_>, g: &[f32], dx: &mut [f32], dw: &mut [f32]) {
        let hidden = saved.weight.len();
        let tasks = saved.inverse.len().div_ceil(ROWS);
        let mut partial = Buffer::zeroed(tasks * hidden);
        dx.par_chunks_mut(ROWS * hidden).zip(partial.par_chunks_mut(hidden)).enumerate().for_each(
            |(task, (dx, partial))| {
                let first = task * ROWS;
                let range = first * hidden..first * hidden + dx.len();
                let inverse = &saved.inverse[first..first + dx.len() / hidden];
                let rows = Rows { x: &saved.x[range.clone()], weight: saved.weight, inverse };
                gradient_rows(&rows, &g[range], dx, partial);
            },
        );
        rows::sum_in_order(&partial, dw);
    }

    vectorized! {
        fn normalize_rows(x: &[f32], weight: &[f32], eps: f32, y: &mut [f32], inverse: &mut [f32]) {
            let hidden = weight.len();
            for ((x, y), inverse) in x.chunks_exact(hidden).zip(y.chunks_exact_mut(hidden)).zip(inverse) {
                let mean = sum(hidden, |i| x[i] * x[i]) / hidden as f32;
                let r = 1.0 / (mean + eps).sqrt();
                *inverse = r;
                for ((y, x), w) in y.iter_mut().zip(x).zip(weight) {
                    *y = x * r * w;
                }
            }
        }

        /// Writes dx and adds to dw.
        fn gradient_rows(saved: &Rows<'_>, g: &[f32], dx: &mut [f32], dw: &mut [f32]) {
            let hidden = saved.weight.len();
            let rows = saved.x.chunks_exact(hidden).zip(g.chunks_exact(hidden)).zip(dx.chunks_exact_mut(hidden));
            for (((x, g), dx), &r) in rows.zip(saved.inverse) {
                // dx holds w g until the dot product is known.
                for ((dx, g), w) in dx.iter_mut().zip(g).zip(saved.weight) {
                    *dx = w * g;
                }
                let scale = dot(dx, x) * r * r * r / hidden as f32;
                for (((dx, dw), x), g) in dx.iter_mut().zip(dw.iter_mut()).zip(x).zip(g) {
                    *dx = *dx * r - x * scale;
                    *dw += g * x * r;
                }
            }
        }
    }
}
