//! Linear and cross entropy in one operation: logits are made, used and dropped chunk by chunk.

use burn::tensor::Tensor;

use super::plain;
use crate::TokenId;

/// Result of a cross entropy over one packed row.
#[derive(Clone, Debug)]
pub struct CrossEntropy {
    /// Sum of `-log p(label)` over the labels that are there, `[1]`, differentiable.
    pub sum: Tensor<1>,
    /// `-log p(label)` per token, 0 where there is no label, `[T]`, without autodiff.
    pub token_losses: Tensor<1>,
    /// Labels that are there.
    pub count: usize,
}

impl CrossEntropy {
    /// Sums the losses of each token.
    ///
    /// # Shapes
    /// - losses: `[T]`
    #[must_use]
    pub fn from_token_losses(losses: Tensor<1>, labels: &[Option<TokenId>]) -> Self {
        Self {
            sum: losses.clone().sum(),
            token_losses: losses.inner(),
            count: labels.iter().flatten().count(),
        }
    }
}

/// Cross entropy of `hidden W^T` against labels; `None` is outside the loss.
///
/// # Shapes
/// - hidden: `[T, hidden]`
/// - weight: `[vocab, hidden]`
/// - labels: T
#[must_use]
pub fn cross_entropy(hidden: Tensor<2>, weight: Tensor<2>, labels: &[Option<TokenId>]) -> CrossEntropy {
    CrossEntropy::from_token_losses(plain::cross_entropy(plain::linear(hidden, weight), labels), labels)
}
