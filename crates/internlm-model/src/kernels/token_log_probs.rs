//! The log-probability of each label, differentiable token by token: what preference and policy losses are made of.
//!
//! With p = softmax(h W^T), label y and gradient g of each token: `dlogits = g (onehot(y) - p)`, `dh = dlogits W`,
//! `dW = dlogits^T h`. Logits, `[T, vocab]`, never exist whole. When the matrix is frozen the forward pass keeps
//! `(onehot(y) - p) W`, whose rows the backward pass scales; otherwise the backward pass makes the logits again.

use burn::tensor::Tensor;

use super::plain;
use crate::TokenId;

/// `log p(label)` of `hidden W^T` for each token, 0 where there is no label; differentiable.
///
/// # Shapes
/// - hidden: `[T, hidden]`
/// - weight: `[vocab, hidden]`
/// - labels: T
/// - output: `[T]`
#[must_use]
pub fn token_log_probs(hidden: Tensor<2>, weight: Tensor<2>, labels: &[Option<TokenId>]) -> Tensor<1> {
    #[cfg(feature = "flex")]
    if super::fused::accepts(&hidden) && super::fused::accepts(&weight) {
        return fused::apply(hidden, weight, labels);
    }
    #[cfg(any(feature = "cuda", feature = "vulkan"))]
    if super::device::accepts_pair(&hidden, &weight) {
        return super::device::token_log_probs::apply(hidden, weight, labels);
    }
    plain::cross_entropy(plain::linear(hidden, weight), labels).neg()
}

#[cfg(feature = "flex")]
mod fused {
    //! The kernel of the CPU backend.

    use std::sync::Arc;

    use burn::backend::Dispatch;
    use burn::tensor::Tensor;
    use burn_flex::FlexTensor;
    use rayon::prelude::*;

    use crate::TokenId;
    use crate::kernels::buffer::Buffer;
    use crate::kernels::cross_entropy::Labels;
    use crate::kernels::cross_entropy::fused::{Head, forward};
    use crate::kernels::fused::{FusedBackend, FusedOp, floats};
    use crate::kernels::gemm::Matrix;

    pub(super) fn apply(hidden: Tensor<2>, weight: Tensor<2>, labels: &[Option<TokenId>]) -> Tensor<1> {
        let op = LogProbsOp { labels: labels.into() };
        Tensor::from_dispatch(Dispatch::fused2(op, hidden.into_dispatch(), weight.into_dispatch()))
    }

    #[derive(Clone, Debug)]
    struct LogProbsOp {
        labels: Arc<[Option<TokenId>]>,
    }

    /// What the backward pass starts from.
    #[derive(Clone, Debug)]
    enum Saved {
        /// The gradient of every log-probability by its own hidden state, `[T, hidden]`.
        Unit(FlexTensor),
        /// The inputs, to make the logits again.
        Inputs { hidden: FlexTensor, weight: FlexTensor, labels: Arc<[Option<TokenId>]> },
        /// Outside of training.
        Nothing,
    }

    impl FusedOp<2> for LogProbsOp {
        type Saved = Saved;

        fn forward(self, [hidden, weight]: [FlexTensor; 2], wanted: [bool; 2]) -> (FlexTensor, Saved) {
            let (tokens, width) = (hidden.layout().shape()[0], hidden.layout().shape()[1]);
            let vocab = weight.layout().shape()[0];
            assert_eq!(tokens, self.labels.len(), "one label, or none, per token");
            let mut losses = Buffer::stale(tokens);
            let mut unit = (wanted == [true, false]).then(|| Buffer::stale(tokens * width));
            let head = Head {
                weight: Matrix::new(floats(&weight), vocab, width),
                labels: Labels::new(&self.labels),
            };
            let states = Matrix::new(floats(&hidden), tokens, width);
            forward(&head, states, &mut losses, (unit.as_deref_mut(), None));
            losses.iter_mut().for_each(|loss| *loss = -*loss);
            let saved = match unit {
                Some(unit) => Saved::Unit(unit.into_tensor([tokens, width])),
                None if wanted[1] => Saved::Inputs { hidden, weight, labels: self.labels },
                None => Saved::Nothing,
            };
            (losses.into_tensor([tokens]), saved)
        }

        fn backward(saved: Saved, gradient: FlexTensor, wanted: [bool; 2]) -> [Option<FlexTensor>; 2] {
            // The kernel differentiates losses, which are minus the log-probabilities.
            let factors: Vec<f32> = floats(&gradient).iter().map(|factor| -factor).collect();
            match saved {
                Saved::Nothing => [None, None],
                Saved::Unit(mut unit) => {
                    let width = unit.layout().shape()[1];
                    let rows = unit.storage_mut::<f32>().par_chunks_mut(width).zip(&factors);
                    rows.for_each(|(row, factor)| row.iter_mut().for_each(|value| *value *= factor));
                    [Some(unit), None]
                }
                Saved::Inputs { hidden, weight, labels } => {
                    let (tokens, width) = (hidden.layout().shape()[0], hidden.layout().shape()[1]);
                    let vocab = weight.layout().shape()[0];
                    let mut losses = Buffer::stale(tokens);
                    let mut dh = wanted[0].then(|| Buffer::stale(tokens * width));
                    let mut dw = Buffer::zeroed(vocab * width);
                    let head = Head {
                        weight: Matrix::new(floats(&weight), vocab, width),
                        labels: Labels::new(&labels).with_weights(Some(&factors)),
                    };
                    let states = Matrix::new(floats(&hidden), tokens, width);
                    forward(&head, states, &mut losses, (dh.as_deref_mut(), Some(&mut dw)));
                    [dh.map(|dh| dh.into_tensor([tokens, width])), Some(dw.into_tensor([vocab, width]))]
                }
            }
        }
    }
}
