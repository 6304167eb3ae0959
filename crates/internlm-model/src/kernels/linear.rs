//! The product with a transposed weight: no transposed copy is ever made, forward or backward.
//!
//! `y = x W^T`, `dx = g W`, `dW = g^T x`.

use burn::tensor::Tensor;

use super::plain;

/// `y = x W^T`, without a bias.
///
/// # Shapes
/// - x: `[T, in]`
/// - weight: `[out, in]`
/// - y: `[T, out]`
#[must_use]
pub fn linear(x: Tensor<2>, weight: Tensor<2>) -> Tensor<2> {
    #[cfg(feature = "flex")]
    if super::fused::accepts(&x) && super::fused::accepts(&weight) {
        return fused::apply(x, weight);
    }
    #[cfg(any(feature = "cuda", feature = "vulkan"))]
    if super::device::accepts_pair(&x, &weight) {
        return super::device::linear::apply(x, weight);
    }
    plain::linear(x, weight)
}

#[cfg(feature = "flex")]
pub(crate) mod fused {
    //! The kernel of the CPU backend.

    use burn::backend::Dispatch;
    use burn::tensor::Tensor;
    use burn_flex::FlexTensor;

    use crate::kernels::buffer::Buffer;
    use crate::kernels::fused::{FusedBackend, FusedOp, floats};
    use crate::kernels::gemm::{Matrix, MatrixMut, Target, Threads, multiply};

    pub(super) fn apply(x: Tensor<2>, weight: Tensor<2>) -> Tensor<2> {
        Tensor::from_dispatch(Dispatch::fused2(LinearOp, x.into_dispatch(), weight.into_dispatch()))
    }

    #[derive(Clone, Copy, Debug)]
    struct LinearOp;

    impl FusedOp<2> for LinearOp {
        type Saved = (FlexTensor, FlexTensor);

        fn forward(self, [x, weight]: [FlexTensor; 2], _wanted: [bool; 2]) -> (FlexTensor, Self::Saved) {
            let (w, x_view) = (matrix(&weight), matrix(&x));
            let mut y = Buffer::stale(x_view.rows() * w.rows());
            let shape = [x_view.rows(), w.rows()];
            forward(x_view, w, &mut y, Target::Set);
            (y.into_tensor(shape), (x, weight))
        }

        fn backward((x, weight): Self::Saved, g: FlexTensor, wanted: [bool; 2]) -> [Option<FlexTensor>; 2] {
            let (x, w, g) = (matrix(&x), matrix(&weight), matrix(&g));
            let input = wanted[0].then(|| {
                let mut dx = Buffer::stale(x.rows() * x.columns());
                input_gradient(g, w, &mut dx, Target::Set);
                dx.into_tensor([x.rows(), x.columns()])
            });
            let parameter = wanted[1].then(|| {
                let mut dw = Buffer::stale(w.rows() * w.columns());
                weight_gradient(g, x, &mut dw, Target::Set);
                dw.into_tensor([w.rows(), w.columns()])
            });
            [input, parameter]
        }
    }

    /// A contiguous rank 2 tensor as a matrix.
    fn matrix(tensor: &FlexTensor) -> Matrix<'_> {
        let shape = tensor.layout().shape();
        Matrix::new(floats(tensor), shape[0], shape[1])
    }

    /// `y = x W^T`, or added to y.
    pub(crate) fn forward(x: Matrix<'_>, w: Matrix<'_>, y: &mut [f32], target: Target) {
        let y = MatrixMut::new(y, x.rows(), w.rows());
        multiply(y, target, x, w.transposed(), 1.0, Threads::All);
    }

    /// `dx = g W`, or added to dx.
    pub(crate) fn input_gradient(g: Matrix<'_>, w: Matrix<'_>, dx: &mut [f32], target: Target) {
        let dx = MatrixMut::new(dx, g.rows(), w.columns());
        multiply(dx, target, g, w, 1.0, Threads::All);
    }

    /// `dW = g^T x`, or added to dW.
    pub(crate) fn weight_gradient(g: Matrix<'_>, x: Matrix<'_>, dw: &mut [f32], target: Target) {
        let dw = MatrixMut::new(dw, g.columns(), x.columns());
        multiply(dw, target, g.transposed(), x, 1.0, Threads::All);
    }
}
