//! Products with a matrix of 4-bit codes by tiles: the codes are decoded on their way to shared memory.
//!
//! The pipeline is that of `gemm`. What differs is the right operand: units read words of codes into registers, some
//! tiles before they are decoded, and write the numbers to shared memory, the only place where the weights exist in the
//! number format of x.

use burn::backend::cubecl::dtype_to_storage_type;
use burn_cubecl::tensor::CubeTensor;
use cubecl::ir::ElemType;
use cubecl::prelude::*;

use super::form::{CHUNK, TileForm};
use super::fragment::{Stored, zeros};
use super::gemm::{Corner, Stages, TileRefusal, even, multiply_stage, operand, write};
use super::plan::{Block, Plan};
use super::scratch::Scratch;
use super::stage::{commit, wait};
use crate::kernels::device::int4::{CodeForm, Codes, WORD, decode_word};
use crate::kernels::device::launch::{Grid, size};

/// What is known of a product when its kernel is compiled.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
struct CodedPlan {
    tiles: Plan,
    code: CodeForm,
}

/// Rows of x up to which the plan is that for few rows.
const FEW_ROWS: usize = 64;
/// Tiles whose words are on their way from memory while others are multiplied; no fewer than are in shared memory before
/// the first product.
const AHEAD: usize = 3;

/// Writes `x W^T` over `out`, which has rows without gaps.
///
/// # Shapes
/// - x: `[T, in]`
/// - codes: `[out, in]`
/// - out: `[T, out]`
pub(in crate::kernels::device) fn launch(
    x: &CubeTensor,
    codes: &Codes,
    out: &CubeTensor,
) -> Result<(), TileRefusal> {
    TileForm::of(&x.client, x.dtype).ok_or(TileRefusal::NoTensorCores)?;
    let plan = Plan::mma(Stored::Mk, Stored::Nk);
    // Narrow tiles, so that there are as many as multiprocessors, and whole sectors of codes from each row.
    let few = Plan { rows: FEW_ROWS, columns: 32, depth: 128, planes_m: 4, planes_n: 2, ..plan };
    launch_with(x, codes, out, if size(x, 0) <= FEW_ROWS { few } else { plan })
}

/// As [`launch`], with the sizes of `plan`, whose operands are [`Stored::Mk`] and [`Stored::Nk`].
pub(super) fn launch_with(
    x: &CubeTensor,
    codes: &Codes,
    out: &CubeTensor,
    plan: Plan,
) -> Result<(), TileRefusal> {
    assert!(plan.stages - 1 <= AHEAD, "the first tiles are read at once");
    let (left, stored) = operand(x, [Stored::Mk, Stored::Km])?;
    if stored != plan.left {
        return Err(TileRefusal::Scattered);
    }
    even(size(out, 1), out.meta.strides()[0])?;
    let tiles = size(out, 0).div_ceil(plan.rows) * size(out, 1).div_ceil(plan.columns);
    let Grid { count, dim } = Grid::cubes_of(&out.client, tiles, plan.units() as u32);
    multiply_coded_tiles::launch(
        &out.client,
        count,
        dim,
        plan.form.vector(),
        left.into_tensor_arg(),
        codes.words.clone().into_tensor_arg(),
        codes.scales.clone().into_tensor_arg(),
        out.clone().into_tensor_arg(),
        CodedPlan { tiles: plan, code: codes.form },
        [dtype_to_storage_type(x.dtype), dtype_to_storage_type(out.dtype)],
    );
    Ok(())
}

/// One tile of the output.
///
/// # Shapes
/// - left: `[m, k]`
/// - words: `[n, k / 8]`
/// - scales: `[n, k / group]`
/// - out: `[m, n]`
#[cube(launch)]
fn multiply_coded_tiles<F: Float, O: Float, N: Size>(
    left: &Tensor<Vector<F, N>>,
    words: &Tensor<u32>,
    scales: &Tensor<u32>,
    out: &mut Tensor<Vector<O, Const<2>>>,
    #[comptime] plans: CodedPlan,
    #[define(F, O)] _formats: [ElemType; 2],
) {
    let plan = comptime!(plans.tiles);
    let tiles_m = (out.shape(0) + comptime!(plan.rows - 1)) / plan.rows;
    let (row, column) = (CUBE_POS % tiles_m * plan.rows, CUBE_POS / tiles_m * plan.columns);
    if column >= out.shape(1) {
        terminate!();
    }
    let mut stages = Stages::<F, N>::new(plan);
    let mut scratch = Scratch::new(comptime!(plan.planes()), comptime!(plan.form));
    let mut sums = zeros(comptime!(4 * plan.rows_of_plane() * plan.pairs_of_plane()));
    let rights = comptime!(plan.right_block());
    let mut way = OnTheWay::new(words, scales, column, rights);
    #[unroll]
    for stage in 0..comptime!(plan.stages - 1) {
        let depth = comptime!(stage * plan.depth);
        let corner = Corner { row, column, depth, stage };
        stages.fetch_left(left, corner, plan);
        commit(comptime!(plan.form));
        way.read(words, scales, depth, stage, plans);
    }
    #[unroll]
    for stage in 0..comptime!(plan.stages - 1) {
        way.store(stage, &mut stages.right, stage, plans);
    }
    #[unroll]
    for tile in 0..AHEAD {
        let depth = comptime!((plan.stages - 1 + tile) * plan.depth);
        way.read(words, scales, depth, tile, plans);
    }
    let steps = (left.shape(1) + comptime!(plan.depth - 1)) / plan.depth;
    for step in 0..steps {
        // Of the groups on their way, all but the oldest may still be.
        wait(comptime!(plan.stages - 2), comptime!(plan.form));
        sync_cube();
        // Beyond the last step there are zeros to copy, which keep the number of groups.
        let next = step + comptime!(plan.stages - 1);
        let corner = Corner { row, column, depth: next * plan.depth, stage: next % plan.stages };
        stages.fetch_left(left, corner, plan);
        commit(comptime!(plan.form));
        // Nobody reads this stage: it was multiplied before the barrier of this step.
        way.store(0usize, &mut stages.right, corner.stage, plans);
        way.advance(rights);
        let depth = (next + AHEAD) * plan.depth;
        way.read(words, scales, depth, comptime!(AHEAD - 1), plans);
        multiply_stage(&stages, &mut sums, &mut scratch, step % plan.stages, plan);
    }
    write(&sums, out, row, column, plan);
}

/// The words of a unit for the next [`AHEAD`] tiles with the scale of each, and where their rows are.
#[derive(CubeType)]
struct OnTheWay {
    words: Array<u32>,
    pairs: Array<u32>,
    /// The first row of the tile.
    column: usize,
    /// Rows and words of the matrix.
    rows: usize,
    width: usize,
    /// From one row to the next.
    word_stride: usize,
    scale_stride: usize,
}

#[cube]
impl OnTheWay {
    fn new(words: &Tensor<u32>, scales: &Tensor<u32>, column: usize, #[comptime] block: Block) -> OnTheWay {
        OnTheWay {
            words: Array::<u32>::new(comptime!(AHEAD * block.turns())),
            pairs: Array::<u32>::new(comptime!(AHEAD * block.turns())),
            column,
            rows: words.shape(0),
            width: words.shape(1),
            word_stride: words.stride(0),
            scale_stride: scales.stride(0),
        }
    }

    /// Reads the words of the tile at number `depth` of k as number `tile`; beyond the edges they are zeros with a scale
    /// of zero.
    fn read(
        &mut self,
        words: &Tensor<u32>,
        scales: &Tensor<u32>,
        depth: usize,
        #[comptime] tile: usize,
        #[comptime] plans: CodedPlan,
    ) {
        let block = comptime!(plans.tiles.right_block());
        let code = comptime!(plans.code);
        #[unroll]
        for turn in 0..comptime!(block.turns()) {
            let chunk = UNIT_POS as usize + comptime!(turn * block.units);
            let row = self.column + chunk / comptime!(block.chunks_of_row());
            let at = depth / WORD + chunk % comptime!(block.chunks_of_row());
            let to = comptime!(tile * block.turns() + turn);
            self.words[to] = 0u32;
            self.pairs[to] = 0u32;
            if row < self.rows && at < self.width {
                self.words[to] = words[row * self.word_stride + at];
                self.pairs[to] = scales[row * self.scale_stride + at * WORD / code.group];
            }
        }
    }

    /// Decodes the words of a tile to a stage, a chunk each.
    fn store<F: Float, N: Size>(
        &self,
        #[comptime] tile: usize,
        stage: &mut Shared<[Vector<F, N>]>,
        number: usize,
        #[comptime] plans: CodedPlan,
    ) {
        let block = comptime!(plans.tiles.right_block());
        let code = comptime!(plans.code);
        let mut weights = Array::<f32>::new(WORD);
        let columns = comptime!(block.chunks_of_row());
        #[unroll]
        for turn in 0..comptime!(block.turns()) {
            let chunk = UNIT_POS as usize + comptime!(turn * block.units);
            if chunk < comptime!(block.chunks()) {
                let from = comptime!(tile * block.turns() + turn);
                decode_word(self.words[from], self.pairs[from], &mut weights, 0usize, code.offset);
                let place = chunk / columns * comptime!(block.pitch()) + chunk % columns;
                let to = number * comptime!(block.size()) + place;
                if comptime!(block.form == TileForm::Mma) {
                    let mut numbers = Vector::<F, N>::empty();
                    #[unroll]
                    for i in 0..CHUNK {
                        numbers.insert(i, F::cast_from(weights[i]));
                    }
                    stage[to] = numbers;
                } else {
                    for i in 0..CHUNK {
                        stage[to * CHUNK + i] = Vector::<F, N>::new(F::cast_from(weights[i]));
                    }
                }
            }
        }
    }

    /// Every tile takes the place of the one before it.
    fn advance(&mut self, #[comptime] block: Block) {
        #[unroll]
        for i in 0..comptime!((AHEAD - 1) * block.turns()) {
            self.words[i] = self.words[comptime!(i + block.turns())];
            self.pairs[i] = self.pairs[comptime!(i + block.turns())];
        }
    }
}
