//! A frozen matrix and a low-rank product in one operation: the gradient of the frozen matrix is never made.
//!
//! LoRA (Hu et al., 2021): `y = x W^T + s (d(x) A^T) B^T` with dropout d. With gradient g and `h = s g B`:
//! `dB = s g^T (d(x) A^T)`, `dA = h^T d(x)`, `dx = g W + d'(h A)`. Kept for the backward pass: x and `d(x) A^T`; the mask
//! of the dropout is drawn again.

use burn::tensor::Tensor;

use super::dropout::{Mask, dropout};
use super::frozen::{Frozen, frozen_linear};
use super::linear::linear;

/// The low-rank product beside a frozen matrix.
#[derive(Clone, Debug)]
pub struct LowRank {
    /// A, `[rank, in]`, which reduces the inputs.
    pub a: Tensor<2>,
    /// B, `[out, rank]`, which makes the outputs.
    pub b: Tensor<2>,
    /// Factor s of the product.
    pub scale: f64,
    /// Which inputs of A are dropped; `None` outside of training and at rate 0.
    pub mask: Option<Mask>,
}

/// `x W^T + s (d(x) A^T) B^T`, without a bias.
///
/// # Shapes
/// - x: `[T, in]`
/// - weight: `[out, in]`
/// - output: `[T, out]`
#[must_use]
pub fn lora(x: Tensor<2>, weight: &Frozen, product: LowRank) -> Tensor<2> {
    #[cfg(feature = "flex")]
    if super::fused::accepts(&x)
        && super::fused::accepts(&product.a)
        && let Some(weight) = super::frozen::fused::HostMatrix::of(weight)
    {
        return fused::apply(x, weight, product);
    }
    lora_twin(x, weight, product)
}

/// The readable twin of [`lora`], which GPUs run.
#[must_use]
pub(crate) fn lora_twin(x: Tensor<2>, weight: &Frozen, product: LowRank) -> Tensor<2> {
    let dropped = match product.mask {
        Some(mask) => dropout(x.clone(), mask),
        None => x.clone(),
    };
    let low_rank = linear(linear(dropped, product.a), product.b);
    frozen_linear(x, weight) + low_rank.mul_scalar(product.scale)
}

#[cfg(feature = "flex")]
mod fused {
    //! The kernel of the CPU backend.

    use burn::backend::Dispatch;
    use burn::tensor::Tensor;
    use burn_flex::FlexTensor;
    use rayon::prelude::*;

    use super::LowRank;
    use crate::kernels::buffer::Buffer;
    use crate::kernels::dropout::Mask;
    use crate::kernels::frozen::fused::HostMatrix;
    use crate::kernels::fused::{FusedBackend, FusedOp, floats};
    use crate::kernels::gemm::{Matrix, MatrixMut, Target, Threads, multiply};

    pub(super) fn apply(x: Tensor<2>, weight: HostMatrix, product: LowRank) -> Tensor<2> {
        let op = LoraOp { weight, scale: product.scale as f32, mask: product.mask };
        let (a, b) = (product.a.into_dispatch(), product.b.into_dispatch());
        Tensor::from_dispatch(Dispatch::fused3(op, x.into_dispatch(), a, b))
    }

    #[derive(Clone, Debug)]
    struct LoraOp {
        weight: HostMatrix,
        scale: f32,
        mask: Option<Mask>,
    }

    /// Inputs of the backward pass.
    #[derive(Clone, Debug)]
    struct Kept {
        op: LoraOp,
        x: FlexTensor,
        a: FlexTensor,
        b: FlexTensor,
        /// `d(x) A^T`, `[T, rank]`.
        inner: FlexTensor,
    }

    impl FusedOp<3> for LoraOp {
        type Saved = Option<Box<Kept>>;

        fn forward(self, [x, a, b]: [FlexTensor; 3], wanted: [bool; 3]) -> (FlexTensor, Self::Saved) {
            let (tokens, inputs) = (x.layout().shape()[0], x.layout().shape()[1]);
            let (rank, outputs) = (a.layout().shape()[0], b.layout().shape()[0]);
            assert_eq!(self.weight.shape(), [outputs, inputs], "an adapter has the shape of its matrix");
            let input = Matrix::new(floats(&x), tokens, inputs);
            let mut inner = Buffer::stale(tokens * rank);
            let dropped = dropped(&x, self.mask);
            let d = dropped.as_deref().map_or(input, |values| Matrix::new(values, tokens, inputs));
            let down = Matrix::new(floats(&a), rank, inputs);
            multiply(
                MatrixMut::new(&mut inner, tokens, rank),
                Target::Set,
                d,
                down.transposed(),
                1.0,
                Threads::All,
            );
            drop(dropped);
            let up = Matrix::new(floats(&b), outputs, rank);
            // The small product first: it writes y without reading it, and the large one adds in its tiles.
            let mut y = Buffer::stale(tokens * outputs);
            let (low, out) = (Matrix::new(&inner, tokens, rank), MatrixMut::new(&mut y, tokens, outputs));
            multiply(out, Target::Set, low, up.transposed(), self.scale, Threads::All);
            self.weight.forward(input, &mut y, Target::Add);
            let inner = inner.into_tensor([tokens, rank]);
            let kept = wanted.contains(&true).then(|| Box::new(Kept { op: self, x, a, b, inner }));
            (y.into_tensor([tokens, outputs]), kept)
        }

        fn backward(saved: Self::Saved, g: FlexTensor, wanted: [bool; 3]) -> [Option<FlexTensor>; 3] {
            let Some(kept) = saved else { return [None, None, None] };
            let Kept { op, x, a, b, inner } = *kept;
            let (tokens, inputs) = (x.layout().shape()[0], x.layout().shape()[1]);
            let (rank, outputs) = (a.layout().shape()[0], b.layout().shape()[0]);
            let g = Matrix::new(floats(&g), tokens, outputs);
            // h = s g B.
            let mut h = Buffer::stale(tokens * rank);
            let up = Matrix::new(floats(&b), outputs, rank);
            multiply(MatrixMut::new(&mut h, tokens, rank), Target::Set, g, up, op.scale, Threads::All);
            let h = Matrix::new(&h, tokens, rank);
            let dx = wanted[0].then(|| {
                let mut dx = Buffer::stale(tokens * inputs);
                let down = Matrix::new(floats(&a), rank, inputs);
                multiply(MatrixMut::new(&mut dx, tokens, inputs), Target::Set, h, down, 1.0, Threads::All);
                apply_mask(&mut dx, op.mask);
                op.weight.input_gradient(g, &mut dx, Target::Add);
                dx.into_tensor([tokens, inputs])
            });
            let da = wanted[1].then(|| {
                let dropped = dropped(&x, op.mask);
                let d = Matrix::new(dropped.as_deref().unwrap_or_else(|| floats(&x)), tokens, inputs);
                let mut da = Buffer::stale(rank * inputs);
                let out = MatrixMut::new(&mut da, rank, inputs);
                multiply(out, Target::Set, h.transposed(), d, 1.0, Threads::All);
                da.into_tensor([rank, inputs])
            });
            let db = wanted[2].then(|| {
                let low = Matrix::new(floats(&inner), tokens, rank);
                let mut db = Buffer::stale(outputs * rank);
                let out = MatrixMut::new(&mut db, outputs, rank);
                multiply(out, Target::Set, g.transposed(), low, op.scale, Threads::All);
                db.into_tensor([outputs, rank])
            });
            [dx, da, db]
        }
    }

    /// `d(x)`; `None` without dropout.
    fn dropped(x: &FlexTensor, mask: Option<Mask>) -> Option<Buffer> {
        mask.map(|mask| {
            let mut values = Buffer::copied(floats(x));
            apply_mask(&mut values, Some(mask));
            values
        })
    }

    /// Numbers per task.
    const TASK: usize = 1 << 14;

    fn apply_mask(values: &mut [f32], mask: Option<Mask>) {
        let Some(mask) = mask else { return };
        values.par_chunks_mut(TASK).enumerate().for_each(|(task, values)| {
            for (index, value) in values.iter_mut().enumerate() {
                *value *= mask.factor(task * TASK + index);
            }
        });
    }
}
