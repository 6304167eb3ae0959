//! The gate of the feed-forward network and the product after it as one operation.
//!
//! On a GPU the gated numbers, a fifth of what a layer would keep for its backward pass, are made again there from gate
//! and up, in one pass through memory (selective recomputation: Korthikanti et al., "Reducing Activation Recomputation in
//! Large Transformer Models", 2022). The CPU keeps them.

use burn::tensor::Tensor;

use super::{linear, swiglu};

/// `(silu(gate) * up) W^T`, without a bias.
///
/// # Shapes
/// - gate, up: `[T, inter]`
/// - weight: `[out, inter]`
/// - output: `[T, out]`
#[must_use]
pub fn swiglu_linear(gate: Tensor<2>, up: Tensor<2>, weight: Tensor<2>) -> Tensor<2> {
    #[cfg(any(feature = "cuda", feature = "vulkan"))]
    if super::device::accepts_pair(&gate, &up) && super::device::accepts_pair(&up, &weight) {
        return super::device::swiglu_linear::apply(gate, up, weight);
    }
    linear(swiglu(gate, up), weight)
}
