//! Backward passes that begin in the middle of a model: from the gradient of a tensor instead of a loss.
//!
//! Autodiff begins at one number, whose gradient is 1. That number is made here, and its backward pass is the gradient
//! that is already known. The readable twin computes the same as `sum(output * gradient)`, with four more passes over
//! the tensor.

use burn::tensor::{Gradients, Tensor};

use super::plain;

/// The gradients of everything that `output` was computed from, when its own gradient is `gradient`.
///
/// # Shapes
/// - output, gradient: `[T, hidden]`, the gradient without autodiff
///
/// # Panics
/// When nothing that `output` was computed from has a gradient.
#[must_use]
pub fn differentiate(output: Tensor<2>, gradient: Tensor<2>) -> Gradients {
    assert_eq!(output.dims(), gradient.dims(), "a gradient has the shape of its tensor");
    #[cfg(feature = "flex")]
    if super::fused::accepts(&output) && super::fused::accepts(&gradient) {
        return fused::apply(output, gradient).backward();
    }
    #[cfg(any(feature = "cuda", feature = "vulkan"))]
    if super::device::accepts_pair(&output, &gradient) {
        return super::device::differentiate::apply(output, gradient).backward();
    }
    plain::seeded(output, gradient).backward()
}

#[cfg(feature = "flex")]
mod fused {
    //! The operation of the CPU backend.

    use burn::backend::{Dispatch, Flex};
    use burn::tensor::Tensor;
    use burn_flex::FlexTensor;

    use crate::kernels::buffer::Buffer;
    use crate::kernels::fused::{FusedBackend, FusedOp, contiguous};

    pub(super) fn apply(output: Tensor<2>, gradient: Tensor<2>) -> Tensor<1> {
        let gradient =
            gradient.inner().try_into_primitive::<Flex>().expect("accepted tensors are on the CPU");
        let op = SeedOp { gradient: contiguous(gradient) };
        Tensor::from_dispatch(Dispatch::fused1(op, output.into_dispatch()))
    }

    #[derive(Clone, Debug)]
    struct SeedOp {
        gradient: FlexTensor,
    }

    impl FusedOp<1> for SeedOp {
        /// The gradient of the input.
        type Saved = FlexTensor;

        fn forward(self, _output: [FlexTensor; 1], _wanted: [bool; 1]) -> (FlexTensor, FlexTensor) {
            (Buffer::copied(&[0.0]).into_tensor([1]), self.gradient)
        }

        fn backward(gradient: FlexTensor, _one: FlexTensor, wanted: [bool; 1]) -> [Option<FlexTensor>; 1] {
            [wanted[0].then_some(gradient)]
        }
    }
}
