//! The product with a transposed weight on a GPU, without a transposed copy.
//!
//! `y = x W^T`, `dx = g W`, `dW = g^T x`; `dW` is in f32 whatever the number format of the others.

use burn::backend::Dispatch;
use burn::tensor::Tensor;
use burn_cubecl::tensor::CubeTensor;

use super::backend::{DeviceBackend, DeviceOp};
use super::gemm::{Routine, RoutineError, multiply, multiply_f32, multiply_into, transposed};
use super::launch::{accepts_pair, cast, empty, empty_f32, from_primitive, primitive, size};
use super::skinny;

/// `y = x W^T`, without a bias.
pub(in crate::kernels) fn apply(x: Tensor<2>, weight: Tensor<2>) -> Tensor<2> {
    run(LinearOp { sums: Sums::Rounded }, x, weight)
}

/// As [`apply`], y in f32.
pub(in crate::kernels) fn apply_f32(x: Tensor<2>, weight: Tensor<2>) -> Tensor<2> {
    run(LinearOp { sums: Sums::Kept }, x, weight)
}

fn run(op: LinearOp, x: Tensor<2>, weight: Tensor<2>) -> Tensor<2> {
    Tensor::from_dispatch(Dispatch::device2(op, x.into_dispatch(), weight.into_dispatch()))
}

#[derive(Clone, Copy, Debug)]
struct LinearOp {
    sums: Sums,
}

/// What becomes of the sums of products, which are f32.
#[derive(Clone, Copy, Debug)]
enum Sums {
    /// They are rounded to the number format of the operands.
    Rounded,
    /// They are the output.
    Kept,
}

impl DeviceOp<2> for LinearOp {
    type Saved = [CubeTensor; 2];

    fn forward(self, [x, weight]: [CubeTensor; 2], _wanted: [bool; 2]) -> (CubeTensor, Self::Saved) {
        let shape = [size(&x, 0), size(&weight, 0)];
        let y = match self.sums {
            Sums::Rounded => empty(&x, shape),
            Sums::Kept => empty_f32(&x, shape),
        };
        multiply_transposed(&x, &weight, &y);
        (y, [x, weight])
    }

    fn backward([x, weight]: Self::Saved, g: CubeTensor, wanted: [bool; 2]) -> [Option<CubeTensor>; 2] {
        // Products take operands of one number format.
        let g = cast(g, x.dtype);
        [wanted[0].then(|| multiply(g.clone(), weight)), wanted[1].then(|| multiply_f32(transposed(&g), x))]
    }
}

/// Writes `x W^T` over y, which has the number format of x or f32: few rows at the speed of memory.
///
/// # Shapes
/// - x: `[T, in]`
/// - weight: `[out, in]`
/// - y: `[T, out]`
pub(super) fn multiply_transposed(x: &CubeTensor, weight: &CubeTensor, y: &CubeTensor) {
    assert_eq!(size(x, 1), size(weight, 1), "inner sizes of a product agree");
    if skinny::takes(x, weight) {
        skinny::multiply_into(x, weight, y);
    } else {
        multiply_into(x.clone(), transposed(weight), y);
    }
}

/// `y = x W^T` by one routine, in the number format of the operands; nothing is differentiated.
///
/// # Shapes
/// - x: `[T, in]`
/// - weight: `[out, in]`
/// - y: `[T, out]`
///
/// # Errors
/// When the routine does not take these operands, and when they are not on one GPU in one number format.
pub fn linear_by(routine: Routine, x: &Tensor<2>, weight: &Tensor<2>) -> Result<Tensor<2>, RoutineError> {
    if !accepts_pair(x, weight) || x.dims()[1] != weight.dims()[1] {
        let reason = "expected matrices on one GPU, of one number format and width".to_owned();
        return Err(RoutineError { routine, reason });
    }
    let (x, weight) = (primitive(x.clone()), primitive(weight.clone()));
    let y = empty(&x, [size(&x, 0), size(&weight, 0)]);
    routine.launch(&x, &transposed(&weight), &y)?;
    Ok(from_primitive(y))
}
