//! The log-probability of each label on a GPU, differentiable token by token.
//!
//! When the matrix is frozen the forward pass keeps `(p - onehot(y)) W`, whose rows the backward pass scales;
//! otherwise the backward pass makes the logits again with the gradients as factors.

use burn::backend::Dispatch;
use burn::tensor::Tensor;
use burn_cubecl::ops::numeric::zeros_client;
use burn_cubecl::tensor::CubeTensor;

use super::backend::{DeviceBackend, DeviceOp};
use super::head::{Head, Outcome};
use super::scale::scale;
use crate::TokenId;

/// `log p(label)` of `hidden W^T` for each token, 0 where there is no label.
pub(in crate::kernels) fn apply(
    hidden: Tensor<2>,
    weight: Tensor<2>,
    labels: &[Option<TokenId>],
) -> Tensor<1> {
    let op = LogProbsOp { labels: labels.to_vec() };
    Tensor::from_dispatch(Dispatch::device2(op, hidden.into_dispatch(), weight.into_dispatch()))
}

#[derive(Clone, Debug)]
struct LogProbsOp {
    labels: Vec<Option<TokenId>>,
}

/// What the backward pass starts from.
#[derive(Clone, Debug)]
enum Saved {
    /// The gradient of every loss by its own hidden state, `[T, hidden]`.
    Unit(CubeTensor),
    /// The inputs, to make the logits again.
    Inputs { hidden: CubeTensor, head: Box<Head> },
    /// Outside of training.
    Nothing,
}

impl DeviceOp<2> for LogProbsOp {
    type Saved = Saved;

    fn forward(self, [hidden, weight]: [CubeTensor; 2], wanted: [bool; 2]) -> (CubeTensor, Saved) {
        assert_eq!(self.labels.len(), hidden.meta.shape()[0], "one label, or none, per token");
        let head = Head::new(weight, &self.labels);
        let frozen = wanted == [true, false];
        let Outcome { losses, gradients: [unit, _] } = head.losses(&hidden, None, [frozen, false]);
        let saved = match unit {
            Some(unit) => Saved::Unit(unit),
            None if wanted[1] => Saved::Inputs { hidden, head: Box::new(head) },
            None => Saved::Nothing,
        };
        (negated(losses), saved)
    }

    fn backward(saved: Saved, gradient: CubeTensor, wanted: [bool; 2]) -> [Option<CubeTensor>; 2] {
        // The kernel differentiates losses, which are minus the log-probabilities.
        match saved {
            Saved::Nothing => [None, None],
            Saved::Unit(unit) => [Some(scale(unit, &negated(gradient))), None],
            Saved::Inputs { hidden, head } => head.losses(&hidden, Some(negated(gradient)), wanted).gradients,
        }
    }
}

/// `-numbers`; 0 stays 0 without a sign.
fn negated(numbers: CubeTensor) -> CubeTensor {
    let zeros = zeros_client(
        numbers.client.clone(),
        numbers.device.clone(),
        numbers.meta.shape().clone(),
        numbers.dtype,
    );
    burn_cubecl::ops::numeric::sub(zeros, numbers)
}
