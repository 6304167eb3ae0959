//! Matrix products by tiles: the crate's own kernel, forward and backward.
//!
//! A cube makes one tile of the output. Both operands come in stages along k: while the planes multiply one, the next
//! ones are on their way from memory. Operands are read where they are, rows along k or across it, so that
//! `x W^T`, `g W` and `g^T x` need no copy. Numbers beyond the edges are zeros; sums are f32, added along k in order.

use burn::backend::cubecl::dtype_to_storage_type;
use burn_cubecl::tensor::CubeTensor;
use cubecl::ir::ElemType;
use cubecl::prelude::*;

use super::form::{CHUNK, LANES, TileForm};
use super::fragment::{Registers, Stored, load, multiply, zeros};
use super::plan::{Block, Plan};
use super::scratch::Scratch;
use super::stage::{commit, copy_chunk, wait};
use crate::kernels::device::launch::{Grid, size};

/// Why the kernel does not take a product.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(in crate::kernels::device) enum TileRefusal {
    /// The device lacks the instructions for this number format.
    #[error("no tensor cores for operands of this number format")]
    NoTensorCores,
    /// Neither the rows nor the columns of an operand are consecutive in memory.
    #[error("an operand whose numbers do not follow one another")]
    Scattered,
    /// Rows do not begin and end at multiples of 8 numbers.
    #[error("rows of {0} numbers, {1} apart, expected multiples of 8")]
    Uneven(usize, usize),
}

/// Writes the product `lhs rhs` over `out`, which has rows without gaps.
///
/// # Shapes
/// - lhs: `[m, k]`
/// - rhs: `[k, n]`
/// - out: `[m, n]`
pub(in crate::kernels::device) fn launch(
    lhs: &CubeTensor,
    rhs: &CubeTensor,
    out: &CubeTensor,
) -> Result<(), TileRefusal> {
    let form = TileForm::of(&lhs.client, lhs.dtype).ok_or(TileRefusal::NoTensorCores)?;
    launch_with(lhs, rhs, out, |left, right| Plan { form, ..Plan::mma(left, right) })
}

/// As [`launch`], with the sizes that `plan` gives for the order of the operands in memory.
pub(super) fn launch_with(
    lhs: &CubeTensor,
    rhs: &CubeTensor,
    out: &CubeTensor,
    plan: impl FnOnce(Stored, Stored) -> Plan,
) -> Result<(), TileRefusal> {
    let (left, left_stored) = operand(lhs, [Stored::Mk, Stored::Km])?;
    let (right, right_stored) = operand(rhs, [Stored::Kn, Stored::Nk])?;
    even(size(out, 1), out.meta.strides()[0])?;
    let plan = plan(left_stored, right_stored);
    let tiles = size(out, 0).div_ceil(plan.rows) * size(out, 1).div_ceil(plan.columns);
    let Grid { count, dim } = Grid::cubes_of(&out.client, tiles, plan.units() as u32);
    multiply_tiles::launch(
        &out.client,
        count,
        dim,
        plan.form.vector(),
        left.into_tensor_arg(),
        right.into_tensor_arg(),
        out.clone().into_tensor_arg(),
        plan,
        [dtype_to_storage_type(lhs.dtype), dtype_to_storage_type(out.dtype)],
    );
    Ok(())
}

/// The matrix with its neighbors in the last dimension, and the first name if it is so already, else the second.
pub(super) fn operand(matrix: &CubeTensor, names: [Stored; 2]) -> Result<(CubeTensor, Stored), TileRefusal> {
    let mut matrix = matrix.clone();
    let stored = if matrix.meta.strides()[1] == 1 {
        names[0]
    } else {
        matrix.meta.swap(0, 1);
        names[1]
    };
    if matrix.meta.strides()[1] != 1 || matrix.meta.is_tiled() {
        return Err(TileRefusal::Scattered);
    }
    even(size(&matrix, 1), matrix.meta.strides()[0])?;
    Ok((matrix, stored))
}

pub(super) fn even(width: usize, stride: usize) -> Result<(), TileRefusal> {
    let even = width.is_multiple_of(CHUNK) && stride.is_multiple_of(CHUNK);
    even.then_some(()).ok_or(TileRefusal::Uneven(width, stride))
}

/// One tile of the output.
///
/// # Shapes
/// - left: `[m, k]` or `[k, m]`
/// - right: `[n, k]` or `[k, n]`
/// - out: `[m, n]`
#[cube(launch)]
fn multiply_tiles<F: Float, O: Float, N: Size>(
    left: &Tensor<Vector<F, N>>,
    right: &Tensor<Vector<F, N>>,
    out: &mut Tensor<Vector<O, Const<2>>>,
    #[comptime] plan: Plan,
    #[define(F, O)] _formats: [ElemType; 2],
) {
    let tiles_m = (out.shape(0) + comptime!(plan.rows - 1)) / plan.rows;
    let (row, column) = (CUBE_POS % tiles_m * plan.rows, CUBE_POS / tiles_m * plan.columns);
    if column >= out.shape(1) {
        terminate!();
    }
    let mut k = left.shape(1);
    if comptime!(plan.left.along_k()) {
        k = left.shape(0);
    }
    let mut stages = Stages::<F, N>::new(plan);
    let mut scratch = Scratch::new(comptime!(plan.planes()), comptime!(plan.form));
    let mut sums = zeros(comptime!(4 * plan.rows_of_plane() * plan.pairs_of_plane()));
    #[unroll]
    for stage in 0..comptime!(plan.stages - 1) {
        let depth = comptime!(stage * plan.depth);
        stages.fetch(left, right, Corner { row, column, depth, stage }, plan);
    }
    let steps = (k + comptime!(plan.depth - 1)) / plan.depth;
    for step in 0..steps {
        // Of the groups on their way, all but the oldest may still be.
        wait(comptime!(plan.stages - 2), comptime!(plan.form));
        sync_cube();
        // Beyond the last step there are zeros to copy, which keep the number of groups.
        let next = step + comptime!(plan.stages - 1);
        let corner = Corner { row, column, depth: next * plan.depth, stage: next % plan.stages };
        stages.fetch(left, right, corner, plan);
        multiply_stage(&stages, &mut sums, &mut scratch, step % plan.stages, plan);
    }
    write(&sums, out, row, column, plan);
}

/// What is copied to which stage.
#[derive(CubeType, Clone, Copy)]
#[expand(derive(Clone, Copy))]
pub(super) struct Corner {
    /// First row of the output.
    pub(super) row: usize,
    /// First column of the output.
    pub(super) column: usize,
    /// First number along k.
    pub(super) depth: usize,
    /// Number of the stage.
    pub(super) stage: usize,
}

/// The stages of both operands in shared memory.
#[derive(CubeType)]
pub(super) struct Stages<F: Float, N: Size> {
    left: Shared<[Vector<F, N>]>,
    pub(super) right: Shared<[Vector<F, N>]>,
}

#[cube]
impl<F: Float, N: Size> Stages<F, N> {
    pub(super) fn new(#[comptime] plan: Plan) -> Stages<F, N> {
        let lefts = comptime!(plan.left_block().elements(plan.stages));
        let rights = comptime!(plan.right_block().elements(plan.stages));
        Stages::<F, N> {
            left: Shared::<[Vector<F, N>]>::new_aligned_slice(lefts, 16usize),
            right: Shared::<[Vector<F, N>]>::new_aligned_slice(rights, 16usize),
        }
    }

    /// Copies the tiles of both operands, as one group.
    fn fetch(
        &mut self,
        left: &Tensor<Vector<F, N>>,
        right: &Tensor<Vector<F, N>>,
        corner: Corner,
        #[comptime] plan: Plan,
    ) {
        let rights = comptime!(plan.right_block());
        self.fetch_left(left, corner, plan);
        let to = corner.stage * comptime!(rights.size());
        let from = origin(corner.column, corner.depth, to, comptime!(plan.right));
        fetch(right, &mut self.right, from, rights);
        commit(comptime!(plan.form));
    }

    /// Copies the tile of the left operand; the group is not ended.
    pub(super) fn fetch_left(&mut self, left: &Tensor<Vector<F, N>>, corner: Corner, #[comptime] plan: Plan) {
        let lefts = comptime!(plan.left_block());
        let to = corner.stage * comptime!(lefts.size());
        let from = origin(corner.row, corner.depth, to, comptime!(plan.left));
        fetch(left, &mut self.left, from, lefts);
    }
}

/// The first number of a tile in its matrix, and its first chunk in shared memory.
#[derive(CubeType, Clone, Copy)]
#[expand(derive(Clone, Copy))]
struct Origin {
    row: usize,
    column: usize,
    to: usize,
}

/// The origin of the tile at number `along` of m or n and number `depth` of k.
#[cube]
fn origin(along: usize, depth: usize, to: usize, #[comptime] stored: Stored) -> Origin {
    let mut row = along;
    let mut column = depth;
    if comptime!(stored.along_k()) {
        row = depth;
        column = along;
    }
    Origin { row, column, to }
}

/// Copies one tile of an operand to a stage.
#[cube]
fn fetch<F: Float, N: Size>(
    matrix: &Tensor<Vector<F, N>>,
    stage: &mut Shared<[Vector<F, N>]>,
    from: Origin,
    #[comptime] block: Block,
) {
    let columns = comptime!(block.chunks_of_row());
    #[unroll]
    for turn in 0..comptime!(block.turns()) {
        let chunk = UNIT_POS as usize + comptime!(turn * block.units);
        if chunk < comptime!(block.chunks()) {
            let (row, column) = (chunk / columns, chunk % columns);
            let (r, c) = (from.row + row, from.column + column * CHUNK);
            let count = select(r < matrix.shape(0) && c < matrix.shape(1), CHUNK, 0usize);
            let to = from.to + row * comptime!(block.pitch()) + column;
            copy_chunk(matrix, r * matrix.stride(0) + c, count, stage, to, comptime!(block.form));
        }
    }
}

/// Adds the products of one stage to the sums of each plane.
#[cube]
pub(super) fn multiply_stage<F: Float, N: Size>(
    stages: &Stages<F, N>,
    sums: &mut Array<Vector<f32, Const<2>>>,
    scratch: &mut Scratch,
    stage: usize,
    #[comptime] plan: Plan,
) {
    let lefts = comptime!(plan.left_block());
    let rights = comptime!(plan.right_block());
    let form = comptime!(plan.form);
    let plane = UNIT_POS as usize / LANES;
    let row = plane % plan.planes_m * comptime!(16 * plan.rows_of_plane());
    let column = plane / plan.planes_m * comptime!(16 * plan.pairs_of_plane());
    #[unroll]
    for step in 0..comptime!(plan.steps()) {
        let mut b = Array::<Vector<F, Const<2>>>::new(comptime!(4 * plan.pairs_of_plane()));
        #[unroll]
        for pair in 0..comptime!(plan.pairs_of_plane()) {
            let at = place(column + comptime!(16 * pair), stage, step, comptime!(plan.right), rights);
            let pitch = comptime!(rights.pitch());
            let loaded = load(&stages.right, at, pitch, comptime!(plan.right), form);
            #[unroll]
            for i in 0..4usize {
                b[comptime!(4 * pair + i)] = loaded[i];
            }
        }
        #[unroll]
        for m in 0..comptime!(plan.rows_of_plane()) {
            let at = place(row + comptime!(16 * m), stage, step, comptime!(plan.left), lefts);
            let a = load(&stages.left, at, comptime!(lefts.pitch()), comptime!(plan.left), form);
            #[unroll]
            for pair in 0..comptime!(plan.pairs_of_plane()) {
                let sums_at = comptime!(4 * (m * plan.pairs_of_plane() + pair));
                let registers = comptime!(Registers { right: 4 * pair, sums: sums_at });
                multiply(&a, &b, sums, scratch, registers, form);
            }
        }
    }
}

/// The chunk of a stage with number `along` of m or n and number `16 step` of k.
#[cube]
fn place(
    along: usize,
    stage: usize,
    #[comptime] step: usize,
    #[comptime] stored: Stored,
    #[comptime] block: Block,
) -> usize {
    let mut chunk = along * comptime!(block.pitch()) + comptime!(2 * step);
    if comptime!(stored.along_k()) {
        chunk = along / CHUNK + comptime!(16 * step * block.pitch());
    }
    stage * comptime!(block.size()) + chunk
}

/// Writes the sums of a cube where there is output.
#[cube]
pub(super) fn write<O: Float>(
    sums: &Array<Vector<f32, Const<2>>>,
    out: &mut Tensor<Vector<O, Const<2>>>,
    row: usize,
    column: usize,
    #[comptime] plan: Plan,
) {
    let (plane, lane) = (UNIT_POS as usize / LANES, UNIT_POS as usize % LANES);
    let first = row + plane % plan.planes_m * comptime!(16 * plan.rows_of_plane()) + lane / 4;
    let left = column + plane / plan.planes_m * comptime!(16 * plan.pairs_of_plane()) + lane % 4 * 2;
    #[unroll]
    for m in 0..comptime!(2 * plan.rows_of_plane()) {
        #[unroll]
        for n in 0..comptime!(2 * plan.pairs_of_plane()) {
            let (r, c) = (first + comptime!(8 * m), left + comptime!(8 * n));
            if r < out.shape(0) && c < out.shape(1) {
                let at = (r * out.stride(0) + c) / 2;
                let sum = sums[comptime!(2 * (m / 2 * 2 * plan.pairs_of_plane() + n) + m % 2)];
                out[at] = Vector::<O, Const<2>>::cast_from(sum);
            }
        }
    }
}
