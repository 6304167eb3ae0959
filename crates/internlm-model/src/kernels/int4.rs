//! The product with a matrix of 4-bit codes that stay codes in the memory of the device.

use burn::tensor::{DType, Tensor};

use super::int4_weights::Int4Weights;

/// The matrix in f32, `[out, in]`, rounded to `format`; inputs in the order of the codes. It is not tracked.
#[must_use]
pub fn int4_decode(weights: &Int4Weights, format: DType) -> Tensor<2> {
    #[cfg(any(feature = "cuda", feature = "vulkan"))]
    if crate::device::is_gpu(&weights.codes.device()) {
        return super::device::int4::decode(weights, format);
    }
    weights.plain(format)
}

/// `y = x W^T` in the number format of x; the codes take no gradient.
///
/// # Shapes
/// - x: `[T, in]`
/// - y: `[T, out]`
#[must_use]
pub fn int4_linear(x: Tensor<2>, weights: &Int4Weights) -> Tensor<2> {
    #[cfg(any(feature = "cuda", feature = "vulkan"))]
    if super::device::accepts_floats(&x) {
        return super::device::int4::apply(x, weights);
    }
    let weight = int4_decode(weights, x.dtype());
    let weight = if x.device().is_autodiff() { Tensor::from_inner(weight) } else { weight };
    super::linear(x, weight)
}
