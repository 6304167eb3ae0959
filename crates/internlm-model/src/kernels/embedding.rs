//! Gathering rows of the embedding matrix; the backward pass adds rows in the order of the tokens.

use burn::tensor::{Int, Tensor};

use super::plain;

/// Rows of the embedding matrix.
///
/// # Shapes
/// - weight: `[vocab, hidden]`
/// - ids: `[T]`
/// - output: `[T, hidden]`
#[must_use]
pub fn embedding(weight: Tensor<2>, ids: Tensor<1, Int>) -> Tensor<2> {
    #[cfg(feature = "flex")]
    if super::fused::accepts(&weight) {
        return fused::apply(weight, ids);
    }
    #[cfg(any(feature = "cuda", feature = "vulkan"))]
    if super::device::accepts_floats(&weight) && ids.dims() != [0] {
        return super::device::embedding::apply(weight, ids);
    }
    plain::embedding(weight, ids)
}

#[cfg(feature = "flex")]
pub(crate) mod fused {
    //! The kernel of the CPU backend.

    use burn::backend::Dispatch;
    use burn::tensor::{Int, Tensor};
    use burn_flex::FlexTensor;

    use crate::kernels::buffer::Buffer;
    use crate::kernels::fused::{FusedBackend, FusedOp, floats};

    pub(super) fn apply(weight: Tensor<2>, ids: Tensor<1, Int>) -> Tensor<2> {
        let ids = ids.try_into_vec_as::<i64>().expect("ids are integers on the CPU");
        let op = EmbeddingOp { ids: ids.into_iter().map(|id| id as usize).collect() };
        Tensor::from_dispatch(Dispatch::fused1(op, weight.into_dispatch()))
    }

    #[derive(Clone, Debug)]
    struct EmbeddingOp {
        ids: Vec<usize>,
    }

    impl FusedOp<1> for EmbeddingOp {
        /// Ids and the shape of the matrix.
        type Saved = (Vec<usize>, [usize; 2]);

        fn forward(self, [weight]: [FlexTensor; 1], _wanted: [bool; 1]) -> (FlexTensor, Self::Saved) {
            let shape = [weight.layout().shape()[0], weight.layout().shape()[1]];
            let hidden = shape[1];
            let table = floats(&weight);
            let mut y = Buffer::stale(self.ids.len() * hidden);
            for (y, id) in y.chunks_exact_mut(hidden.max(1)).zip(&self.ids) {
                y.copy_from_slice(&table[id * hidden..(id + 1) * hidden]);
            }
            (y.into_tensor([self.ids.len(), hidden]), (self.ids, shape))
        }

        fn backward((ids, shape): Self::Saved, g: FlexTensor, wanted: [bool; 1]) -> [Option<FlexTensor>; 1] {
            if !wanted[0] {
                return [None];
            }
            let hidden = shape[1];
            let mut dw = Buffer::zeroed(shape[0] * hidden);
            for (g, id) in floats(&g).chunks_exact(hidden.max(1)).zip(&ids) {
                for (dw, g) in dw[id * hidden..(id + 1) * hidden].iter_mut().zip(g) {
                    *dw += g;
                }
            }
            [Some(dw.into_tensor(shape))]
        }
    }
}
