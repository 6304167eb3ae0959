//! The sum of the gradients of several passes, in place.

use burn::tensor::Tensor;

use super::plain;

/// The sum `total + part` of two flat gradients without autodiff; the memory of `total` is used again when nobody else
/// holds it.
///
/// # Shapes
/// - total, part, output: `[n]`
#[must_use]
pub fn accumulate(total: Tensor<1>, part: Tensor<1>) -> Tensor<1> {
    assert_eq!(total.dims(), part.dims(), "the gradients of one parameter have one shape");
    #[cfg(feature = "flex")]
    if super::fused::accepts(&total) && super::fused::accepts(&part) {
        return fused::apply(total, part);
    }
    #[cfg(any(feature = "cuda", feature = "vulkan"))]
    if super::device::accepts(&total) && super::device::accepts(&part) {
        return super::device::accumulate::apply(total, part);
    }
    plain::accumulate(total, part)
}

#[cfg(feature = "flex")]
mod fused {
    //! The sum on the CPU backend, on all threads.

    use burn::tensor::Tensor;
    use rayon::prelude::*;

    /// Minimum number of elements of one task.
    const PIECE: usize = 1 << 14;

    pub(super) fn apply(total: Tensor<1>, part: Tensor<1>) -> Tensor<1> {
        let device = total.device();
        let (mut total, part) = (total.into_data(), part.into_data());
        let sum: &mut [f32] = total.as_mut_slice().expect("accepted tensors are f32");
        let part: &[f32] = part.as_slice().expect("accepted tensors are f32");
        sum.par_iter_mut().with_min_len(PIECE).zip(part).for_each(|(sum, part)| *sum += part);
        Tensor::from_data(total, &device)
    }
}
