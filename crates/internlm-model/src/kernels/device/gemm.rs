//! Matrix products: which [`Routine`] computes one, and what is tried when it does not take the shapes. Those of few rows
//! with a weight are elsewhere (`skinny`).
//!
//! cubek lowers f32 inputs to TF32 (10 bits of mantissa) wherever it uses tensor cores, without saying so, and
//! `Strategy::Auto` does. Products of f32 therefore go to routines without tensor cores only, which multiply with
//! ordinary f32 instructions on every device; those of 16 bits go to tensor cores and are added in f32. Every routine
//! adds in an order that depends on the shapes only.

use burn::backend::cubecl::dtype_to_storage_type;
use burn::tensor::DType;
use burn_cubecl::tensor::CubeTensor;
use cubek::matmul::definition::{MatmulElems, MatmulGlobalElems};
use cubek::matmul::launch::launch_ref;
use cubek::matmul::multi_level::Strategy;
use cubek::std::InputBinding;

use super::launch::{Refusal, empty, empty_f32, size};
use super::tile::{TileForm, gemm as tile_gemm};

/// A way to compute a product.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Routine {
    /// cubek on tensor cores (`mma.sync`) with two stages in shared memory.
    DoubleMma,
    /// As [`Routine::DoubleMma`], copied to shared memory by `cp.async`.
    AsyncMma,
    /// cubek on tensor cores (`mma.sync`) with one stage in shared memory.
    SimpleMma,
    /// cubek on tensor cores (`mma.sync`), operands brought by a specialized plane through TMA; Hopper and later.
    TmaMma,
    /// The crate's own kernel on tensor cores (`mma.sync`), four stages copied by `cp.async`.
    Tile,
    /// cubek without tensor cores, in tiles.
    Unit,
    /// cubek, one unit per element: takes every shape.
    Naive,
}

/// Why a routine does not compute a product.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the routine {routine:?} does not take the product: {reason}")]
pub struct RoutineError {
    /// The routine that refuses.
    pub routine: Routine,
    /// Its reason in words.
    pub reason: String,
}

impl Routine {
    /// Every routine, those on tensor cores first.
    pub const ALL: [Self; 7] =
        [Self::DoubleMma, Self::AsyncMma, Self::SimpleMma, Self::TmaMma, Self::Tile, Self::Unit, Self::Naive];

    /// Which are tried for operands of a number format, first to last. None has been timed on a card: those of 16 bits
    /// begin with the simplest one that overlaps copies and products.
    fn candidates(format: DType) -> &'static [Self] {
        match format {
            DType::F32 => &[Self::Unit, Self::Naive],
            _ => &[Self::DoubleMma, Self::SimpleMma, Self::Tile, Self::Unit, Self::Naive],
        }
    }

    /// Whether f32 operands would be rounded to TF32.
    fn rounds_f32(self) -> bool {
        !matches!(self, Self::Unit | Self::Naive)
    }

    /// cubek's name; `None` for the crate's own kernel.
    fn strategy(self) -> Option<Strategy> {
        match self {
            Self::DoubleMma => Some(Strategy::DoubleCyclicMma(Default::default())),
            Self::AsyncMma => Some(Strategy::DoubleAsyncCyclicMma(Default::default())),
            Self::SimpleMma => Some(Strategy::SimpleCyclicMma(Default::default())),
            Self::TmaMma => Some(Strategy::SpecializedTmaMma(Default::default())),
            Self::Tile => None,
            Self::Unit => Some(Strategy::SimpleUnit(Default::default())),
            Self::Naive => Some(Strategy::Naive),
        }
    }

    /// Writes the product `lhs rhs` over `out`; shapes as of [`multiply`].
    pub(super) fn launch(
        self,
        lhs: &CubeTensor,
        rhs: &CubeTensor,
        out: &CubeTensor,
    ) -> Result<(), RoutineError> {
        let refused = |reason: String| RoutineError { routine: self, reason };
        if lhs.dtype == DType::F32 && self.rounds_f32() {
            return Err(refused("f32 operands would be rounded to TF32".to_owned()));
        }
        match self.strategy() {
            None => tile_gemm::launch(lhs, rhs, out).map_err(|error| refused(error.to_string())),
            Some(strategy) => launch(&strategy, lhs, rhs, out).map_err(refused),
        }
    }
}

/// The product `lhs rhs` in new memory, in the number format of `lhs`.
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

/// As [`multiply`], in f32 whatever the number format of the operands.
pub(crate) fn multiply_f32(lhs: CubeTensor, rhs: CubeTensor) -> CubeTensor {
    let out = empty_f32(&lhs, [size(&lhs, 0), size(&rhs, 1)]);
    multiply_into(lhs, rhs, &out);
    out
}

/// Writes the product `lhs rhs` over `out`; shapes as of [`multiply`].
///
/// # Panics
/// When the shapes or number formats disagree.
pub(crate) fn multiply_into(lhs: CubeTensor, rhs: CubeTensor, out: &CubeTensor) {
    assert_eq!(size(&lhs, 1), size(&rhs, 0), "inner sizes of a product agree");
    assert_eq!(lhs.dtype, rhs.dtype, "operands of a product have one number format");
    let launched = Routine::candidates(lhs.dtype).iter().find(|routine| {
        let launched = routine.launch(&lhs, &rhs, out);
        launched
            .inspect_err(|error| tracing::debug!(lhs = ?lhs.meta, rhs = ?rhs.meta, %error, "another routine"))
            .is_ok()
    });
    let launched = launched.expect("the naive product takes every shape");
    if !launched.rounds_f32() && TileForm::of(&lhs.client, lhs.dtype).is_some() {
        Refusal::TensorCores("a product").report();
    }
}

fn launch(strategy: &Strategy, lhs: &CubeTensor, rhs: &CubeTensor, out: &CubeTensor) -> Result<(), String> {
    let float = dtype_to_storage_type(lhs.dtype);
    let globals = MatmulGlobalElems { lhs: float, rhs: float, out: dtype_to_storage_type(out.dtype) };
    let mut formats = MatmulElems::from_globals(&globals);
    launch_ref(
        &strategy.clone().into(),
        &out.client,
        InputBinding::new(lhs.clone().binding(), float),
        InputBinding::new(rhs.clone().binding(), float),
        out.clone().binding(),
        &mut formats,
    )
    .map_err(|error| error.to_string())
}

/// The transposed matrix, same memory.
pub(crate) fn transposed(matrix: &CubeTensor) -> CubeTensor {
    let mut matrix = matrix.clone();
    matrix.meta.swap(0, 1);
    matrix
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f32_products_never_go_to_tensor_cores() {
        assert!(Routine::candidates(DType::F32).iter().all(|routine| !routine.rounds_f32()));
        let tensor_cores = Routine::ALL.iter().filter(|routine| routine.rounds_f32()).count();
        assert_eq!(tensor_cores, 5);
    }

    #[test]
    fn the_naive_routine_is_the_last_candidate() {
        for format in [DType::F32, DType::BF16, DType::F16] {
            assert_eq!(Routine::candidates(format).last(), Some(&Routine::Naive));
        }
    }
}
