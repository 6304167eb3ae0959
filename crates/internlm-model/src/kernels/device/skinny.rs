//! Products of few rows with a transposed weight, at the speed of memory: every weight is read once, 16 bytes at a time.
//!
//! Decoding multiplies one row per sequence. Thirty-two units share an output: each adds up every thirty-second run of
//! numbers, 16 bytes long, for all rows, and one of them adds the sums of the others in order, all in f32. So the bits of
//! a row depend neither on the other rows nor on how many there are, nor on gaps between rows.

use burn::backend::cubecl::dtype_to_storage_type;
use burn_cubecl::tensor::CubeTensor;
use cubecl::ir::ElemType;
use cubecl::prelude::*;

use super::launch::{Grid, UNITS, size};

/// Maximum number of rows.
pub(super) const MAX_ROWS: usize = 16;
/// Units that share an output.
pub(super) const LANES: usize = 32;
/// Groups of units in a cube.
pub(super) const GROUPS: usize = UNITS as usize / LANES;
/// Outputs of a group, so that a number of a row that was read is used twice.
pub(super) const COLUMNS: usize = 2;
/// Bytes that one instruction reads.
pub(super) const RUN_BYTES: usize = 16;
/// Sums per unit that are brought together at once, in 17 KB of shared memory.
const PARTS: usize = 16;
/// Numbers between the sums of two outputs, one more than there are lanes: units that read them meet other banks.
const PITCH: usize = LANES + 1;

/// Sizes that are known when the kernel is compiled.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct SkinnyForm {
    /// A power of two; rows beyond the last one repeat it.
    pub(super) rows: usize,
    /// Consecutive numbers that a unit multiplies.
    pub(super) run: usize,
    /// Numbers that one instruction reads, which divide the run.
    pub(super) line: usize,
}

impl SkinnyForm {
    /// Sums of a unit.
    pub(super) fn sums(self) -> usize {
        self.rows * COLUMNS
    }

    /// Sums of a unit that are brought together at once.
    fn parts(self) -> usize {
        PARTS.min(self.sums())
    }
}

/// Whether [`multiply_into`] takes the rows: there are few, and the numbers of each row follow one another.
pub(super) fn takes(x: &CubeTensor, weight: &CubeTensor) -> bool {
    let adjacent = |matrix: &CubeTensor| matrix.meta.strides()[1] == 1 && !matrix.meta.is_tiled();
    size(x, 0) <= MAX_ROWS && adjacent(x) && adjacent(weight)
}

/// Writes `x W^T` over `y`, which has the number format of x or f32.
///
/// # Shapes
/// - x: `[T, in]`, T at most [`MAX_ROWS`]
/// - weight: `[out, in]`, of the number format of x
/// - y: `[T, out]`
pub(super) fn multiply_into(x: &CubeTensor, weight: &CubeTensor, y: &CubeTensor) {
    let (tokens, outputs) = (size(x, 0), size(weight, 0));
    let run = RUN_BYTES / x.dtype.size();
    let line = if [x, weight].iter().all(|matrix| has_lines(matrix, run)) { run } else { 1 };
    let form = SkinnyForm { rows: tokens.next_power_of_two(), run, line };
    let Grid { count, dim } = Grid::cubes(&x.client, outputs.div_ceil(GROUPS * COLUMNS));
    multiply_rows::launch(
        &x.client,
        count,
        dim,
        line,
        x.clone().into_tensor_arg(),
        weight.clone().into_tensor_arg(),
        y.clone().into_tensor_arg(),
        form,
        [dtype_to_storage_type(x.dtype), dtype_to_storage_type(y.dtype)],
    );
}

/// Whether every row begins and ends at a multiple of `run` numbers, 16 bytes; memory itself begins at larger ones.
pub(super) fn has_lines(matrix: &CubeTensor, run: usize) -> bool {
    matrix.meta.strides()[0].is_multiple_of(run) && size(matrix, 1).is_multiple_of(run)
}

/// One cube for [`GROUPS`] times [`COLUMNS`] outputs of all rows.
///
/// # Shapes
/// - x: `[T, in]`
/// - weight: `[out, in]`
/// - y: `[T, out]`
#[cube(launch)]
fn multiply_rows<F: Float, O: Float, N: Size>(
    x: &Tensor<Vector<F, N>>,
    weight: &Tensor<Vector<F, N>>,
    y: &mut Tensor<O>,
    #[comptime] form: SkinnyForm,
    #[define(F, O)] _formats: [ElemType; 2],
) {
    let (lane, group) = (UNIT_POS as usize % LANES, UNIT_POS as usize / LANES);
    // Cubes and groups beyond the last output read it and write nothing.
    let last = weight.shape(0) - 1;
    let first = min((CUBE_POS * GROUPS + group) * COLUMNS, last);
    let mut sums = Array::<f32>::new(comptime!(form.sums()));
    #[unroll]
    for i in 0..comptime!(form.sums()) {
        sums[i] = f32::new(0.0);
    }
    let mut weights = Array::<f32>::new(comptime!(COLUMNS * form.run));
    let mut numbers = Array::<f32>::new(comptime!(form.run));
    for k in range_stepped(lane * form.run, weight.shape(1), comptime!(LANES * form.run)) {
        #[unroll]
        for column in 0..COLUMNS {
            let output = min(first + column, last);
            load(weight, output, k, &mut weights, comptime!(column * form.run), form);
        }
        #[unroll]
        for row in 0..comptime!(form.rows) {
            let token = min(x.shape(0) - 1, row);
            load(x, token, k, &mut numbers, 0usize, form);
            add_products(&weights, &numbers, &mut sums, row, comptime!(form.run));
        }
    }
    bring_together(&sums, y, lane, group, form);
}

/// Copies a run of a row to `run`, from `to` on; numbers beyond the end of the row are 0.
#[cube]
pub(super) fn load<F: Float, N: Size>(
    matrix: &Tensor<Vector<F, N>>,
    row: usize,
    k: usize,
    run: &mut Array<f32>,
    #[comptime] to: usize,
    #[comptime] form: SkinnyForm,
) {
    let at = row * matrix.stride(0) + k;
    if comptime!(form.line > 1) {
        #[unroll]
        for part in 0..comptime!(form.run / form.line) {
            let vector = matrix[at / form.line + part];
            #[unroll]
            for i in 0..comptime!(form.line) {
                run[comptime!(to + part * form.line + i)] = f32::cast_from(vector.extract(i));
            }
        }
    } else {
        #[unroll]
        for i in 0..comptime!(form.run) {
            let mut number = f32::new(0.0);
            if k + i < matrix.shape(1) {
                number = f32::cast_from(matrix[at + i].extract(0usize));
            }
            run[to + i] = number;
        }
    }
}

/// Adds the products of a run of a row with the runs of the weights; fused, so that compilers have no choice.
#[cube]
pub(super) fn add_products(
    weights: &Array<f32>,
    numbers: &Array<f32>,
    sums: &mut Array<f32>,
    #[comptime] row: usize,
    #[comptime] run: usize,
) {
    #[unroll]
    for column in 0..COLUMNS {
        let mut sum = sums[comptime!(row * COLUMNS + column)];
        #[unroll]
        for i in 0..run {
            sum = fma(weights[comptime!(column * run + i)], numbers[i], sum);
        }
        sums[comptime!(row * COLUMNS + column)] = sum;
    }
}

/// Adds the sums of the lanes of each group in their order and writes the outputs.
#[cube]
pub(super) fn bring_together<O: Float>(
    sums: &Array<f32>,
    y: &mut Tensor<O>,
    lane: usize,
    group: usize,
    #[comptime] form: SkinnyForm,
) {
    let parts = comptime!(form.parts());
    let mut shared = Shared::<[f32]>::new_slice(comptime!(GROUPS * parts * PITCH));
    let unit = UNIT_POS as usize;
    #[unroll]
    for round in 0..comptime!(form.sums() / parts) {
        #[unroll]
        for part in 0..parts {
            shared[(group * parts + part) * PITCH + lane] = sums[comptime!(round * parts + part)];
        }
        sync_cube();
        if unit < comptime!(GROUPS * parts) {
            let mut sum = f32::new(0.0);
            for other in 0..LANES {
                sum += shared[unit * PITCH + other];
            }
            let part = unit % parts + comptime!(round * parts);
            let (row, owner) = (part / COLUMNS, CUBE_POS * GROUPS + unit / parts);
            let output = owner * COLUMNS + part % COLUMNS;
            if row < y.shape(0) && output < y.shape(1) {
                let to = row * y.stride(0) + output;
                y[to] = O::cast_from(sum);
            }
        }
        sync_cube();
    }
}
