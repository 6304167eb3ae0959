//! Exact f32 matrix products: every f32 product of the device kernels goes through [`multiply_into`], but those of few
//! rows with a weight (`skinny`).
//!
//! cubek lowers f32 inputs to TF32 (10 bits of mantissa) wherever it uses tensor cores, without saying so, and
//! `Strategy::Auto` does. Its unit routines multiply with ordinary f32 instructions on every device, in an order
//! that depends on the shapes only.

use burn::backend::cubecl::dtype_to_storage_type;
use burn::tensor::DType;
use burn_cubecl::tensor::CubeTensor;
use cubek::matmul::definition::{MatmulElems, MatmulGlobalElems, MatmulSetupError};
use cubek::matmul::launch::launch_ref;
use cubek::matmul::multi_level::Strategy;
use cubek::std::InputBinding;

use super::launch::{empty, size};

/// The product `lhs rhs` in new memory.
///
/// # Shapes
/// - lhs: `[m, k]`, any strides
/// - rhs: `[k, n]`, any strides
/// - output: `[m, n]`
pub(crate) fn multiply(lhs: CubeTensor, rhs: CubeTensor) -> CubeTensor {
    let out = empty(&lhs, [size(&lhs, 0), size(&rhs, 1)]);
    multiply_into(lhs, rhs, &out);
    out
}

/// Writes the product `lhs rhs` over `out`; shapes as of [`multiply`].
///
/// # Panics
/// When the shapes or number formats disagree.
pub(crate) fn multiply_into(lhs: CubeTensor, rhs: CubeTensor, out: &CubeTensor) {
    assert_eq!(size(&lhs, 1), size(&rhs, 0), "inner sizes of a product agree");
    assert!([&lhs, &rhs, out].iter().all(|tensor| tensor.dtype == DType::F32), "exact products are of f32");
    let launched = launch(&Strategy::SimpleUnit(Default::default()), &lhs, &rhs, out);
    launched
        .or_else(|error| {
            // The naive routine, one unit per element, has no tiles that a shape may not fit.
            tracing::debug!(lhs = ?lhs.meta, rhs = ?rhs.meta, %error, "no tiled product, the naive one runs");
            launch(&Strategy::Naive, &lhs, &rhs, out)
        })
        .expect("the naive product takes every shape");
}

fn launch(
    strategy: &Strategy,
    lhs: &CubeTensor,
    rhs: &CubeTensor,
    out: &CubeTensor,
) -> Result<(), Box<MatmulSetupError>> {
    let float = dtype_to_storage_type(DType::F32);
    let mut formats = MatmulElems::from_globals(&MatmulGlobalElems { lhs: float, rhs: float, out: float });
    launch_ref(
        &strategy.clone().into(),
        &out.client,
        InputBinding::new(lhs.clone().binding(), float),
        InputBinding::new(rhs.clone().binding(), float),
        out.clone().binding(),
        &mut formats,
    )
    .map_err(Box::new)
}

/// The transposed matrix, same memory.
pub(crate) fn transposed(matrix: &CubeTensor) -> CubeTensor {
    let mut matrix = matrix.clone();
    matrix.meta.swap(0, 1);
    matrix
}
