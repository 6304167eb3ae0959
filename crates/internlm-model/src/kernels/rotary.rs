//! Rotation of queries and keys by their positions.

use burn::tensor::Tensor;

use super::plain;

/// Half-split rotation: `(x1 cos - x2 sin, x2 cos + x1 sin)`.
///
/// # Shapes
/// - x, output: `[T, heads, d]`
/// - cos, sin: `[T, d / 2]`
#[must_use]
pub fn rotate(x: Tensor<3>, cos: Tensor<2>, sin: Tensor<2>) -> Tensor<3> {
    #[cfg(any(feature = "cuda", feature = "vulkan"))]
    if super::device::accepts(&x) && super::device::accepts(&cos) && super::device::accepts(&sin) {
        return super::device::rotary::apply(x, cos, sin);
    }
    plain::rotate(x, cos, sin)
}
