//! Factors of columns: the magnitudes of weight-decomposed adapters.
//!
//! `y = x f` with one factor per column: `dx = g f`, `df = sum over rows of g x`.

use burn::tensor::Tensor;

/// Multiplies each column by its factor.
///
/// # Shapes
/// - x, output: `[T, out]`
/// - factors: `[out]`
#[must_use]
pub fn scale_columns(x: Tensor<2>, factors: Tensor<1>) -> Tensor<2> {
    #[cfg(feature = "flex")]
    if super::fused::accepts(&x) && super::fused::accepts(&factors) {
        return fused::scale_columns(x, factors);
    }
    x * factors.unsqueeze()
}

#[cfg(feature = "flex")]
mod fused {
    //! The kernel of the CPU backend.

    use burn::backend::Dispatch;
    use burn::tensor::Tensor;
    use burn_flex::FlexTensor;
    use rayon::prelude::*;

    use crate::kernels::buffer::Buffer;
    use crate::kernels::fused::{FusedBackend, FusedOp, floats};
    use crate::kernels::rows::{ROWS, sum_in_order};

    pub(super) fn scale_columns(x: Tensor<2>, factors: Tensor<1>) -> Tensor<2> {
        Tensor::from_dispatch(Dispatch::fused2(ScaleOp, x.into_dispatch(), factors.into_dispatch()))
    }

    #[derive(Clone, Copy, Debug)]
    struct ScaleOp;

    impl FusedOp<2> for ScaleOp {
        type Saved = (FlexTensor, FlexTensor);

        fn forward(self, [x, factors]: [FlexTensor; 2], _wanted: [bool; 2]) -> (FlexTensor, Self::Saved) {
            let (tokens, width) = (x.layout().shape()[0], x.layout().shape()[1]);
            let y = scaled(floats(&x), floats(&factors));
            (y.into_tensor([tokens, width]), (x, factors))
        }

        fn backward((x, factors): Self::Saved, g: FlexTensor, wanted: [bool; 2]) -> [Option<FlexTensor>; 2] {
            let (tokens, width) = (x.layout().shape()[0], x.layout().shape()[1]);
            let input = wanted[0].then(|| scaled(floats(&g), floats(&factors)).into_tensor([tokens, width]));
            let columns = wanted[1].then(|| {
                let mut partial = Buffer::zeroed(tokens.div_ceil(ROWS).max(1) * width);
                let rows = floats(&x).par_chunks(ROWS * width).zip(floats(&g).par_chunks(ROWS * width));
                partial.par_chunks_mut(width).zip(rows).for_each(|(sum, (x, g))| add_products(sum, x, g));
                let mut total = Buffer::stale(width);
                sum_in_order(&partial, &mut total);
                total.into_tensor([width])
            });
            [input, columns]
        }
    }

    /// `x f`, row by row.
    fn scaled(x: &[f32], factors: &[f32]) -> Buffer {
        let mut y = Buffer::copied(x);
        y.par_chunks_mut(ROWS * factors.len()).for_each(|rows| {
            for row in rows.chunks_exact_mut(factors.len()) {
                row.iter_mut().zip(factors).for_each(|(value, factor)| *value *= factor);
            }
        });
        y
    }

    fn add_products(sum: &mut [f32], x: &[f32], g: &[f32]) {
        for (x, g) in x.chunks_exact(sum.len()).zip(g.chunks_exact(sum.len())) {
            sum.iter_mut().zip(x).zip(g).for_each(|((sum, x), g)| *sum += x * g);
        }
    }
}
