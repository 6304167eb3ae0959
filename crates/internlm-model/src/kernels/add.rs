//! The residual connection: the sum of two tensors of one shape, on all threads.

use burn::tensor::Tensor;

/// The sum `a + b` of two tensors of the same shape.
///
/// # Shapes
/// - a, b, output: `[T, hidden]`
#[must_use]
pub fn add(a: Tensor<2>, b: Tensor<2>) -> Tensor<2> {
    #[cfg(feature = "flex")]
    if super::fused::accepts(&a) && super::fused::accepts(&b) {
        return fused::apply(a, b);
    }
    a + b
}

#[cfg(feature = "flex")]
pub(crate) mod fused {
    //! The kernel of the CPU backend.

    use burn::backend::Dispatch;
    use burn::tensor::Tensor;
    use burn_flex::FlexTensor;

    use crate::kernels::buffer::Buffer;
    use crate::kernels::fused::{FusedBackend, FusedOp, floats};
    use crate::kernels::rows;
    use crate::kernels::vector::vectorized;

    pub(super) fn apply(a: Tensor<2>, b: Tensor<2>) -> Tensor<2> {
        Tensor::from_dispatch(Dispatch::fused2(AddOp, a.into_dispatch(), b.into_dispatch()))
    }

    #[derive(Clone, Copy, Debug)]
    struct AddOp;

    impl FusedOp<2> for AddOp {
        type Saved = ();

        fn forward(self, [a, b]: [FlexTensor; 2], _wanted: [bool; 2]) -> (FlexTensor, ()) {
            let shape = [a.layout().shape()[0], a.layout().shape()[1]];
            assert_eq!(a.layout().shape(), b.layout().shape(), "both sides of a sum have one shape");
            let mut y = Buffer::stale(shape[0] * shape[1]);
            forward(floats(&a), floats(&b), &mut y);
            (y.into_tensor(shape), ())
        }

        fn backward((): (), g: FlexTensor, wanted: [bool; 2]) -> [Option<FlexTensor>; 2] {
            wanted.map(|wanted| wanted.then(|| g.clone()))
        }
    }

    /// Elements per task, in units of the row loops.
    const WIDTH: usize = 256;

    /// Writes `a + b`.
    pub(crate) fn forward(a: &[f32], b: &[f32], y: &mut [f32]) {
        rows::for_each(y, WIDTH, |first, y| {
            let range = first * WIDTH..first * WIDTH + y.len();
            let (a, b) = (&a[range.clone()], &b[range]);
            add_slices(a, b, y);
        });
    }

    vectorized! {
        fn add_slices(a: &[f32], b: &[f32], y: &mut [f32]) {
            y.iter_mut().zip(a).zip(b).for_each(|((y, a), b)| *y = a + b);
        }
    }
}
