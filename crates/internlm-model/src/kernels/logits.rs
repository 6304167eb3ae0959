//! The product with the output matrix, whose sums are not rounded to 16 bits.

use burn::tensor::{DType, Tensor};

use super::linear;

/// `y = x W^T` in f32 whatever the number format of the operands.
///
/// # Shapes
/// - x: `[T, hidden]`
/// - weight: `[vocab, hidden]`
/// - y: `[T, vocab]`, f32
#[must_use]
pub fn logits(x: Tensor<2>, weight: Tensor<2>) -> Tensor<2> {
    #[cfg(any(feature = "cuda", feature = "vulkan"))]
    if super::device::accepts_pair(&x, &weight) {
        return super::device::linear::apply_f32(x, weight);
    }
    linear(x, weight).cast(DType::F32)
}
