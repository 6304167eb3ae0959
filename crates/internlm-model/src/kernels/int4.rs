//! The product with a matrix of 4-bit codes that stay codes in the memory of the device.

use burn::tensor::{DType, Tensor};

use super::int4_weights::Int4Weights;

/// The matrix in floats of `format`, `[out, in]`, each rounded once; inputs in the order of the codes.
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
    let format = x.dtype();
    super::linear(x, int4_decode(weights, format))
}
