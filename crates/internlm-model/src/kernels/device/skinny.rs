//! Products of few rows with a transposed weight, at the speed of memory: every weight is read once, 16 bytes at a time.
//!
//! Decoding multiplies one row per sequence. Thirty-two units share an output: each adds up every thirty-second run of
//! four numbers, for all rows, and one of them adds the sums of the others in order. So the bits of a row depend neither
//! on the other rows nor on how many there are, nor on gaps between rows.

use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::launch::{Grid, UNITS, empty, size};

/// Maximum number of rows.
pub(super) const MAX_ROWS: usize = 16;
/// Units that share an output.
const LANES: usize = 32;
/// Groups of units in a cube.
const GROUPS: usize = UNITS as usize / LANES;
/// Outputs of a group, so that a number of a row that was read is used twice.
const COLUMNS: usize = 2;
/// Consecutive numbers that a unit multiplies.
const RUN: usize = 4;
/// Sums per unit that are brought together at once, in 17 KB of shared memory.
const PARTS: usize = 16;
/// Numbers between the sums of two outputs, one more than there are lanes: units that read them meet other banks.
const PITCH: usize = LANES + 1;

/// Sizes that are known when the kernel is compiled.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
struct SkinnyForm {
    /// A power of two; rows beyond the last one repeat it.
    rows: usize,
    /// Numbers that one instruction reads.
    line: usize,
}

impl SkinnyForm {
    /// Sums of a unit.
    fn sums(self) -> usize {
        self.rows * COLUMNS
    }

    /// Sums of a unit that are brought together at once.
    fn parts(self) -> usize {
        PARTS.min(self.sums())
    }
}

/// Whether [`multiply`] takes the rows: there are few, and the numbers of each row follow one another.
pub(super) fn takes(x: &CubeTensor, weight: &CubeTensor) -> bool {
    let adjacent = |matrix: &CubeTensor| matrix.meta.strides()[1] == 1 && !matrix.meta.is_tiled();
    size(x, 0) <= MAX_ROWS && adjacent(x) && adjacent(weight)
}

/// `y = x W^T`.
///
/// # Shapes
/// - x: `[T, in]`, T at most [`MAX_ROWS`]
/// - weight: `[out, in]`
/// - y: `[T, out]`
pub(super) fn multiply(x: &CubeTensor, weight: &CubeTensor) -> CubeTensor {
    let (tokens, outputs) = (size(x, 0), size(weight, 0));
    let y = empty(x, [tokens, outputs]);
    let line = if [x, weight].iter().all(|matrix| has_lines(matrix)) { RUN } else { 1 };
    let form = SkinnyForm { rows: tokens.next_power_of_two(), line };
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
    );
    y
}

/// Whether every row begins and ends at a multiple of 16 bytes; memory itself begins at larger ones.
fn has_lines(matrix: &CubeTensor) -> bool {
    matrix.meta.strides()[0].is_multiple_of(RUN) && size(matrix, 1).is_multiple_of(RUN)
}

/// One cube for [`GROUPS`] times [`COLUMNS`] outputs of all rows.
///
/// # Shapes
/// - x: `[T, in]`
/// - weight: `[out, in]`
/// - y: `[T, out]`
#[cube(launch)]
fn multiply_rows<N: Size>(
    x: &Tensor<Vector<f32, N>>,
    weight: &Tensor<Vector<f32, N>>,
    y: &mut Tensor<f32>,
    #[comptime] form: SkinnyForm,
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
    let mut weights = Array::<f32>::new(comptime!(COLUMNS * RUN));
    let mut numbers = Array::<f32>::new(RUN);
    for k in range_stepped(lane * RUN, weight.shape(1), comptime!(LANES * RUN)) {
        #[unroll]
        for column in 0..COLUMNS {
            let output = min(first + column, last);
            load(weight, output, k, &mut weights, comptime!(column * RUN), comptime!(form.line));
        }
        #[unroll]
        for row in 0..comptime!(form.rows) {
            let token = min(x.shape(0) - 1, row);
            load(x, token, k, &mut numbers, 0usize, comptime!(form.line));
            add_products(&weights, &numbers, &mut sums, row);
        }
    }
    bring_together(&sums, y, lane, group, form);
}

/// Copies a run of a row to `run`, from `to` on; numbers beyond the end of the row are 0.
#[cube]
fn load<N: Size>(
    matrix: &Tensor<Vector<f32, N>>,
    row: usize,
    k: usize,
    run: &mut Array<f32>,
    #[comptime] to: usize,
    #[comptime] line: usize,
) {
    let at = row * matrix.stride(0) + k;
    if comptime!(line == RUN) {
        let vector = matrix[at / RUN];
        #[unroll]
        for i in 0..RUN {
            run[to + i] = vector.extract(i);
        }
    } else {
        #[unroll]
        for i in 0..RUN {
            let mut number = f32::new(0.0);
            if k + i < matrix.shape(1) {
                number = matrix[at + i].extract(0usize);
            }
            run[to + i] = number;
        }
    }
}

/// Adds the products of a run of a row with the runs of the weights; fused, so that compilers have no choice.
#[cube]
fn add_products(weights: &Array<f32>, numbers: &Array<f32>, sums: &mut Array<f32>, #[comptime] row: usize) {
    #[unroll]
    for column in 0..COLUMNS {
        let mut sum = sums[comptime!(row * COLUMNS + column)];
        #[unroll]
        for i in 0..RUN {
            sum = fma(weights[comptime!(column * RUN + i)], numbers[i], sum);
        }
        sums[comptime!(row * COLUMNS + column)] = sum;
    }
}

/// Adds the sums of the lanes of each group in their order and writes the outputs.
#[cube]
fn bring_together(
    sums: &Array<f32>,
    y: &mut Tensor<f32>,
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
                y[to] = sum;
            }
        }
        sync_cube();
    }
}
