//! Linear and cross entropy on a GPU as one operation; the forward pass makes the gradients.

use std::sync::{Arc, OnceLock};

use burn::backend::Dispatch;
use burn::tensor::Tensor;
use burn_cubecl::CubeBackend;
use burn_cubecl::tensor::CubeTensor;

use super::backend::{DeviceBackend, DeviceOp};
use super::head::{Head, Outcome};
use super::launch::upload;
use super::reduce::sum_numbers;
use super::scale::scale;
use crate::TokenId;

/// Cross entropy of `hidden W^T` against labels: the sum, which is differentiable, and the loss of each token.
///
/// # Shapes
/// - hidden: `[T, hidden]`
/// - weight: `[vocab, hidden]`
/// - output: `[1]`, `[T]`
pub(in crate::kernels) fn apply(
    hidden: Tensor<2>,
    weight: Tensor<2>,
    labels: &[Option<TokenId>],
    weights: Option<&[f32]>,
) -> [Tensor<1>; 2] {
    let losses = Arc::new(OnceLock::new());
    let op = CrossEntropyOp {
        labels: labels.to_vec(),
        weights: weights.map(<[f32]>::to_vec),
        losses: losses.clone(),
    };
    let sum = Tensor::from_dispatch(Dispatch::device2(op, hidden.into_dispatch(), weight.into_dispatch()));
    let losses = losses.get().cloned().expect("the forward pass writes the losses");
    [sum, Tensor::from_primitive::<CubeBackend>(losses)]
}

#[derive(Clone, Debug)]
struct CrossEntropyOp {
    labels: Vec<Option<TokenId>>,
    weights: Option<Vec<f32>>,
    /// Where the forward pass leaves the loss of each token.
    losses: Arc<OnceLock<CubeTensor>>,
}

impl DeviceOp<2> for CrossEntropyOp {
    /// The gradients of the sum.
    type Saved = [Option<CubeTensor>; 2];

    fn forward(self, [hidden, weight]: [CubeTensor; 2], wanted: [bool; 2]) -> (CubeTensor, Self::Saved) {
        let tokens = self.labels.len();
        assert_eq!(tokens, hidden.meta.shape()[0], "one label, or none, per token");
        let factors = self.weights.map(|weights| upload(&hidden, &weights, [tokens]));
        let Outcome { losses, gradients } = Head::new(weight, &self.labels).losses(&hidden, factors, wanted);
        let sum = sum_numbers(losses.clone());
        let _ = self.losses.set(losses);
        (sum, gradients)
    }

    fn backward(saved: Self::Saved, gradient: CubeTensor, _wanted: [bool; 2]) -> [Option<CubeTensor>; 2] {
        saved.map(|unit| unit.map(|unit| scale(unit, &gradient)))
    }
}
