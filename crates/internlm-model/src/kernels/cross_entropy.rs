//! Linear and cross entropy in one operation: logits are made, used and dropped chunk by chunk.
//!
//! With p = softmax(h W^T) and label y: `loss = log sum exp - logit_y`, `dlogits = p - onehot(y)`,
//! `dh = dlogits W`, `dW = dlogits^T h`. The forward pass computes both gradients at once, so neither the logits nor
//! their gradient, `[T, vocab]` each, ever exist whole (Liger Kernel, Hsu et al., 2024). Tokens without a label have no
//! logits at all.

use burn::tensor::{Tensor, TensorData};

use super::plain;
use crate::TokenId;

/// What each token of a packed row should be followed by, and how much it counts.
#[derive(Clone, Copy, Debug)]
pub struct Labels<'a> {
    ids: &'a [Option<TokenId>],
    weights: Option<&'a [f32]>,
}

impl<'a> Labels<'a> {
    /// Labels that all count once; `None` is outside the loss.
    #[must_use]
    pub fn new(ids: &'a [Option<TokenId>]) -> Self {
        Self { ids, weights: None }
    }

    /// The same labels, each loss multiplied by the weight of its token; `None` leaves them as they are.
    ///
    /// # Panics
    /// When there is not one weight for each token.
    #[must_use]
    pub fn with_weights(self, weights: Option<&'a [f32]>) -> Self {
        assert!(weights.is_none_or(|weights| weights.len() == self.ids.len()), "one weight for each token");
        Self { weights, ..self }
    }

    /// The label of each token.
    #[must_use]
    pub fn ids(&self) -> &'a [Option<TokenId>] {
        self.ids
    }

    /// The factor of the loss of each token; `None` when all are 1.
    #[must_use]
    pub fn weights(&self) -> Option<&'a [f32]> {
        self.weights
    }
}

impl<'a> From<&'a [Option<TokenId>]> for Labels<'a> {
    fn from(ids: &'a [Option<TokenId>]) -> Self {
        Self::new(ids)
    }
}

impl<'a> From<&'a Vec<Option<TokenId>>> for Labels<'a> {
    fn from(ids: &'a Vec<Option<TokenId>>) -> Self {
        Self::new(ids)
    }
}

impl<'a, const N: usize> From<&'a [Option<TokenId>; N]> for Labels<'a> {
    fn from(ids: &'a [Option<TokenId>; N]) -> Self {
        Self::new(ids)
    }
}

/// Result of a cross entropy over one packed row.
#[derive(Clone, Debug)]
pub struct CrossEntropy {
    /// Sum of `-log p(label)` times its weight over the labels that are there, `[1]`, differentiable.
    pub sum: Tensor<1>,
    /// `-log p(label)` times its weight per token, 0 where there is no label, `[T]`, without autodiff.
    pub token_losses: Tensor<1>,
    /// Labels that are there.
    pub count: usize,
}

impl CrossEntropy {
    /// The cross entropy of logits that exist whole.
    ///
    /// # Shapes
    /// - logits: `[T, vocab]`
    /// - labels: T
    #[must_use]
    pub fn of_logits(logits: Tensor<2>, labels: Labels<'_>) -> Self {
        let losses = plain::cross_entropy(logits, labels.ids);
        let losses = match labels.weights {
            None => losses,
            Some(weights) => {
                let device = losses.device().inner();
                losses * Tensor::from_data(TensorData::new(weights.to_vec(), [weights.len()]), &device)
            }
        };
        Self {
            sum: losses.clone().sum(),
            token_losses: losses.inner(),
            count: labels.ids.iter().flatten().count(),
        }
    }
}

/// Cross entropy of `hidden W^T` against labels.
///
/// # Shapes
/// - hidden: `[T, hidden]`
/// - weight: `[vocab, hidden]`
/// - labels: T
#[must_use]
pub fn cross_entropy<'a>(
    hidden: Tensor<2>,
    weight: Tensor<2>,
    labels: impl Into<Labels<'a>>,
) -> CrossEntropy {
    let labels = labels.into();
    #[cfg(feature = "flex")]
    if super::fused::accepts(&hidden) && super::fused::accepts(&weight) {
        return fused::apply(hidden, weight, labels);
    }
    #[cfg(any(feature = "cuda", feature = "vulkan"))]
    if super::device::accepts_pair(&hidden, &weight) {
        let [sum, token_losses] =
            super::device::cross_entropy::apply(hidden, weight, labels.ids(), labels.weights());
        return CrossEntropy { sum, token_losses, count: labels.ids().iter().flatten().count() };
    }
    CrossEntropy::of_logits(plain::linear(hidden, weight), labels)
}

#[cfg(feature = "flex")]
pub(crate) mod fused {
    //! The kernel of the CPU backend.

    use std::sync::{Arc, OnceLock};

    use burn::backend::{Dispatch, Flex};
    use burn::tensor::Tensor;
    use burn_flex::FlexTensor;
    use rayon::prelude::*;

    use super::{CrossEntropy, Labels};
    use crate::TokenId;
    use crate::kernels::buffer::Buffer;
    use crate::kernels::fused::{FusedBackend, FusedOp, floats};
    use crate::kernels::gemm::{Matrix, Target};
    use crate::kernels::linear;
    use crate::kernels::vector::{exp, maximum, sum, vectorized};

    pub(super) fn apply(hidden: Tensor<2>, weight: Tensor<2>, labels: Labels<'_>) -> CrossEntropy {
        let losses = Arc::new(OnceLock::new());
        let op = CrossEntropyOp {
            labels: labels.ids.to_vec(),
            weights: labels.weights.map(<[f32]>::to_vec),
            losses: losses.clone(),
        };
        let sum = Tensor::from_dispatch(Dispatch::fused2(op, hidden.into_dispatch(), weight.into_dispatch()));
        let losses = losses.get().cloned().expect("the forward pass writes the losses");
        let token_losses = Tensor::from_primitive::<Flex>(losses);
        CrossEntropy { sum, token_losses, count: labels.ids.iter().flatten().count() }
    }

    #[derive(Clone, Debug)]
    struct CrossEntropyOp {
        labels: Vec<Option<TokenId>>,
        weights: Option<Vec<f32>>,
        /// Where the forward pass leaves the loss of each token.
        losses: Arc<OnceLock<FlexTensor>>,
    }

    impl FusedOp<2> for CrossEntropyOp {
        /// The gradients of the sum.
        type Saved = [Option<FlexTensor>; 2];

        fn forward(self, [hidden, weight]: [FlexTensor; 2], wanted: [bool; 2]) -> (FlexTensor, Self::Saved) {
            let [tokens, width] = [hidden.layout().shape()[0], hidden.layout().shape()[1]];
            let vocab = weight.layout().shape()[0];
            assert_eq!(tokens, self.labels.len(), "one label, or none, per token");
            let mut losses = Buffer::stale(tokens);
            let mut dh = wanted[0].then(|| Buffer::stale(tokens * width));
            let mut dw = wanted[1].then(|| Buffer::zeroed(vocab * width));
            let labels = Labels::new(&self.labels).with_weights(self.weights.as_deref());
            let head = Head { weight: Matrix::new(floats(&weight), vocab, width), labels };
            let hidden = Matrix::new(floats(&hidden), tokens, width);
            let gradients = (dh.as_deref_mut(), dw.as_deref_mut());
            forward(&head, hidden, &mut losses, gradients);
            // In f64 and in order: the same sum for any number of threads, and exact enough for millions of tokens.
            let total = losses.iter().map(|&loss| f64::from(loss)).sum::<f64>() as f32;
            let _ = self.losses.set(losses.into_tensor([tokens]));
            let gradients = [
                dh.map(|gradient| gradient.into_tensor([tokens, width])),
                dw.map(|gradient| gradient.into_tensor([vocab, width])),
            ];
            (Buffer::copied(&[total]).into_tensor([1]), gradients)
        }

        fn backward(saved: Self::Saved, gradient: FlexTensor, _wanted: [bool; 2]) -> [Option<FlexTensor>; 2] {
            let factor = floats(&gradient)[0];
            saved.map(|gradient| gradient.map(|gradient| scale(gradient, factor)))
        }
    }

    fn scale(mut tensor: FlexTensor, factor: f32) -> FlexTensor {
        if factor != 1.0 {
            tensor.storage_mut::<f32>().par_chunks_mut(1 << 14).for_each(|values| {
                values.iter_mut().for_each(|value| *value *= factor);
            });
        }
        tensor
    }

    /// The output matrix and the labels of the row.
    pub(crate) struct Head<'a> {
        pub(crate) weight: Matrix<'a>,
        pub(crate) labels: Labels<'a>,
    }

    impl Head<'_> {
        /// Tokens whose logits are held at once.
        fn chunk(&self, tokens: usize) -> usize {
            (CHUNK / self.weight.rows().max(1)).max(CHUNK_TOKENS).min(tokens.max(1))
        }

        /// Turns the logits of `tokens`, which have labels, into the gradients of their losses, and writes the losses.
        fn losses(&self, tokens: &[usize], logits: &mut [f32], losses: &mut [f32]) {
            let rows = logits.par_chunks_mut(self.weight.rows()).zip(losses.par_iter_mut()).zip(tokens);
            rows.for_each(|((logits, loss), token)| {
                let Some(label) = self.labels.ids[*token] else { return };
                *loss = loss_of_row(logits, label);
                if let Some(weight) = self.labels.weights.map(|weights| weights[*token]) {
                    *loss *= weight;
                    logits.iter_mut().for_each(|logit| *logit *= weight);
                }
            });
        }
    }

    /// Floats of logits held at once: 64 MB. Products of a hundred rows with so large a matrix have half the speed of
    /// those of three hundred.
    const CHUNK: usize = 1 << 24;
    /// Tokens whose logits are held at once however large the vocabulary is.
    const CHUNK_TOKENS: usize = 64;

    /// Writes the loss of each token and, where asked for, adds up the gradients of their sum.
    pub(crate) fn forward(
        head: &Head<'_>,
        hidden: Matrix<'_>,
        losses: &mut [f32],
        (mut dh, mut dw): (Option<&mut [f32]>, Option<&mut [f32]>),
    ) {
        let (vocab, width) = (head.weight.rows(), hidden.columns());
        losses.fill(0.0);
        if let Some(dh) = dh.as_deref_mut() {
            dh.fill(0.0);
        }
        let labeled = Vec::from_iter((0..losses.len()).filter(|token| head.labels.ids[*token].is_some()));
        let chunk = head.chunk(labeled.len());
        let mut logits = Buffer::stale(chunk * vocab);
        let mut states = Buffer::stale(chunk * width);
        let mut found = vec![0.0; chunk];
        for tokens in labeled.chunks(chunk) {
            let count = tokens.len();
            let (states, found) = (&mut states[..count * width], &mut found[..count]);
            gather(hidden, tokens, states);
            let logits = &mut logits[..count * vocab];
            linear::fused::forward(Matrix::new(states, count, width), head.weight, logits, Target::Set);
            head.losses(tokens, logits, found);
            tokens.iter().zip(&*found).for_each(|(token, loss)| losses[*token] = *loss);
            let dlogits = Matrix::new(logits, count, vocab);
            if let Some(dw) = dw.as_deref_mut() {
                linear::fused::weight_gradient(dlogits, Matrix::new(states, count, width), dw, Target::Add);
            }
            if let Some(dh) = dh.as_deref_mut() {
                linear::fused::input_gradient(dlogits, head.weight, states, Target::Set);
                for (token, gradient) in tokens.iter().zip(states.chunks_exact(width)) {
                    dh[token * width..][..width].copy_from_slice(gradient);
                }
            }
        }
    }

    /// Copies the rows of `tokens` behind each other.
    fn gather(hidden: Matrix<'_>, tokens: &[usize], rows: &mut [f32]) {
        for (token, row) in tokens.iter().zip(rows.chunks_exact_mut(hidden.columns())) {
            row.copy_from_slice(hidden.row(*token));
        }
    }

    /// The loss of one token; its logits become their gradient.
    fn loss_of_row(logits: &mut [f32], label: TokenId) -> f32 {
        let target = logits[label.index()];
        let (max, total) = softmax_row(logits);
        logits[label.index()] -= 1.0;
        total.ln() - (target - max)
    }

    /// Numbers that are added before their sum is added to that of the others: a small one is not lost in a large sum.
    const BLOCK: usize = 1024;

    vectorized! {
        /// Logits to probabilities; returns the largest logit and the sum of exponentials relative to it.
        fn softmax_row(logits: &mut [f32]) -> (f32, f32) {
            let max = maximum(logits);
            for logit in logits.iter_mut() {
                *logit = exp(*logit - max);
            }
            let mut total = 0.0;
            for block in logits.chunks(BLOCK) {
                total += sum(block.len(), |i| block[i]);
            }
            let factor = 1.0 / total;
            logits.iter_mut().for_each(|weight| *weight *= factor);
            (max, total)
        }
    }
}
