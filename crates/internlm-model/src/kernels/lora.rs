//! A frozen matrix and a low-rank product in one operation: the gradient of the frozen matrix is never made.
//!
//! LoRA (Hu et al., 2021): `y = x W^T + s (d(x) A^T) B^T` with dropout d. With gradient g and `h = g B`:
//! `dB = s g^T (d(x) A^T)`, `dA = s h^T d(x)`, `dx = g W + d'(s h A)`. Kept for the backward pass: x and `d(x) A^T`; the
//! mask of the dropout is drawn again.

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
    use crate::kernels::low_rank::{Change, Changed, multiply_changed, sum_over_tokens, transposed};

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
            let change = Change {
                down: Matrix::new(floats(&a), rank, inputs).transposed(),
                up: Matrix::new(floats(&b), outputs, rank).transposed(),
                scale: self.scale,
            };
            let (mut inner, mut y) = (Buffer::stale(tokens * rank), Buffer::stale(tokens * outputs));
            self.output(&x, change, Changed { inner: &mut inner, y: &mut y });
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
            // The same product backward: h = g B, then dx = g W + s h A.
            let change = Change {
                down: Matrix::new(floats(&b), outputs, rank),
                up: Matrix::new(floats(&a), rank, inputs),
                scale: op.scale,
            };
            let mut h = Buffer::stale(tokens * rank);
            let dx = if wanted[0] {
                let mut dx = Buffer::stale(tokens * inputs);
                op.input_gradient(g, change, Changed { inner: &mut h, y: &mut dx });
                Some(dx.into_tensor([tokens, inputs]))
            } else {
                reduce(g, change, &mut h);
                None
            };
            let da = wanted[1].then(|| {
                let dropped = dropped(&x, op.mask);
                let d = Matrix::new(dropped.as_deref().unwrap_or_else(|| floats(&x)), tokens, inputs);
                sum_over_tokens(Matrix::new(&h, tokens, rank), d, op.scale).into_tensor([rank, inputs])
            });
            let db = wanted[2].then(|| {
                // Transposed, so that the rows of g are read as they are in memory.
                let db = sum_over_tokens(Matrix::new(floats(&inner), tokens, rank), g, op.scale);
                transposed(&db, outputs).into_tensor([outputs, rank])
            });
            [dx, da, db]
        }
    }

    impl LoraOp {
        /// `u = d(x) A^T` and `y = x W^T + s u B^T`.
        fn output(&self, x: &FlexTensor, change: Change<'_>, out: Changed<'_>) {
            let (tokens, inputs) = (x.layout().shape()[0], x.layout().shape()[1]);
            let input = Matrix::new(floats(x), tokens, inputs);
            if let (Some(weight), None) = (self.weight.dense(), self.mask) {
                return multiply_changed(input, weight.transposed(), change, out);
            }
            let dropped = dropped(x, self.mask);
            let d = dropped.as_deref().map_or(input, |values| Matrix::new(values, tokens, inputs));
            reduce(d, change, out.inner);
            drop(dropped);
            expand(out.inner, change, out.y);
            self.weight.forward(input, out.y, Target::Add);
        }

        /// `h = g B` and `dx = g W + d'(s h A)`.
        fn input_gradient(&self, g: Matrix<'_>, change: Change<'_>, out: Changed<'_>) {
            if let (Some(weight), None) = (self.weight.dense(), self.mask) {
                return multiply_changed(g, weight, change, out);
            }
            reduce(g, change, out.inner);
            expand(out.inner, change, out.y);
            apply_mask(out.y, self.mask);
            self.weight.input_gradient(g, out.y, Target::Add);
        }
    }

    /// `inner = x D`.
    fn reduce(x: Matrix<'_>, change: Change<'_>, inner: &mut [f32]) {
        let inner = MatrixMut::new(inner, x.rows(), change.down.columns());
        multiply(inner, Target::Set, x, change.down, 1.0, Threads::All);
    }

    /// `y = s inner U`, written before the product with the large matrix, which adds in its tiles.
    fn expand(inner: &[f32], change: Change<'_>, y: &mut [f32]) {
        let [rank, outputs] = [change.up.rows(), change.up.columns()];
        let tokens = y.len() / outputs;
        let inner = Matrix::new(inner, tokens, rank);
        multiply(
            MatrixMut::new(y, tokens, outputs),
            Target::Set,
            inner,
            change.up,
            change.scale,
            Threads::All,
        );
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
