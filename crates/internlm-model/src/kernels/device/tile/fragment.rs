//! Fragments: the numbers of a tile that one unit of a plane holds, and the product of two of them.
//!
//! Unit `l` of a plane, with `g = l / 4` and `t = l % 4`, holds pairs of neighboring numbers (PTX ISA, "Matrix Fragments
//! for mma.m16n8k16"): of the left operand `[m, k]` those at `(g, 2t)`, `(g + 8, 2t)`, `(g, 2t + 8)`, `(g + 8, 2t + 8)`;
//! of the right one `[k, n]`, neighbors along k, those at `(2t, g)`, `(2t + 8, g)`; of the sums `[m, n]` those at
//! `(g, 2t)`, `(g + 8, 2t)`.

use cubecl::cmma::{MatrixIdent, MmaDefinition};
use cubecl::prelude::*;

use super::form::{LANES, TileForm};
use super::scratch::{LEFT, RIGHT, Scratch};
use super::stage::CHUNK;

/// Which operand a tile is, and the order of its dimensions in memory, the one of neighbors last.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(in crate::kernels::device) enum Stored {
    /// The left operand, `[m, k]`.
    Mk,
    /// The left operand, `[k, m]`.
    Km,
    /// The right operand, `[n, k]`, as weights are.
    Nk,
    /// The right operand, `[k, n]`.
    Kn,
}

impl Stored {
    /// Whether rows go along k: then `ldmatrix` transposes.
    pub(in crate::kernels::device) fn along_k(self) -> bool {
        matches!(self, Self::Km | Self::Kn)
    }

    /// Whether the second of the four 8x8 matrices is below the first one in memory, not on its right.
    fn downwards(self) -> bool {
        matches!(self, Self::Mk | Self::Kn)
    }
}

/// The first registers of the operands and of the sums in their arrays.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(in crate::kernels::device) struct Registers {
    /// The first of 4.
    pub(in crate::kernels::device) left: usize,
    /// The first of 2.
    pub(in crate::kernels::device) right: usize,
    /// The first of 2.
    pub(in crate::kernels::device) sums: usize,
}

/// Sums to be added to, `count` pairs.
#[cube]
pub(in crate::kernels::device) fn zeros(#[comptime] count: usize) -> Array<Vector<f32, Const<2>>> {
    let mut sums = Array::<Vector<f32, Const<2>>>::new(count);
    #[unroll]
    for i in 0..count {
        sums[i] = Vector::<f32, Const<2>>::new(f32::new(0.0));
    }
    sums
}

/// The fragments of a 16x16 tile whose first number is in chunk `at` of a stage: 4 pairs of a left operand, or 2 for
/// each of two neighboring right operands. All units of the cube call it.
#[cube]
pub(in crate::kernels::device) fn load<F: Float, N: Size>(
    stage: &Shared<[Vector<F, N>]>,
    at: usize,
    scratch: &mut Scratch,
    #[comptime] pitch: usize,
    #[comptime] stored: Stored,
    #[comptime] form: TileForm,
) -> Array<Vector<F, Const<2>>> {
    let lane = UNIT_POS as usize % LANES;
    let (inner, outer) = (lane / 8 % 2, lane / 16);
    let mut chunk = at + lane % 8 * pitch;
    if comptime!(stored.downwards()) {
        chunk += inner * comptime!(8 * pitch) + outer;
    } else {
        chunk += outer * comptime!(8 * pitch) + inner;
    }
    let mut fragments = Array::<Vector<F, Const<2>>>::new(4usize);
    if comptime!(form == TileForm::Mma) {
        let instruction = MmaDefinition::<F, F, f32>::new(16usize, 8usize, 16usize);
        let row = &stage[chunk..chunk + 1];
        let loaded = instruction.load_matrix::<Vector<F, N>, Const<2>>(
            row,
            MatrixIdent::A,
            4usize,
            comptime!(stored.along_k()),
        );
        #[unroll]
        for i in 0..4 {
            fragments[i] = loaded[i];
        }
    } else {
        emulate_load(stage, chunk, scratch, &mut fragments, stored);
    }
    fragments
}

/// What `ldmatrix.x4` does: units `8i .. 8i + 8` name the rows of matrix i, of which each unit gets one pair.
#[cube]
fn emulate_load<F: Float, N: Size>(
    stage: &Shared<[Vector<F, N>]>,
    chunk: usize,
    scratch: &mut Scratch,
    fragments: &mut Array<Vector<F, Const<2>>>,
    #[comptime] stored: Stored,
) {
    let unit = UNIT_POS as usize;
    let (plane, lane) = (unit / LANES, unit % LANES);
    let (g, pair) = (lane / 4, lane % 4 * 2);
    scratch.chunks[unit] = chunk as u32;
    sync_cube();
    #[unroll]
    for matrix in 0..4usize {
        let first = plane * LANES + comptime!(8 * matrix);
        let mut fragment = Vector::<F, Const<2>>::empty();
        #[unroll]
        for i in 0..2usize {
            let mut row = g;
            let mut column = pair + i;
            if comptime!(stored.along_k()) {
                row = pair + i;
                column = g;
            }
            let start = scratch.chunks[first + row] as usize * CHUNK;
            fragment.insert(i, stage[start + column].extract(0usize));
        }
        fragments[matrix] = fragment;
    }
    sync_cube();
}

/// Adds the product of a 16x16 and a 16x8 fragment to the sums. All units of the cube call it.
#[cube]
pub(in crate::kernels::device) fn multiply<F: Float>(
    left: &Array<Vector<F, Const<2>>>,
    right: &Array<Vector<F, Const<2>>>,
    sums: &mut Array<Vector<f32, Const<2>>>,
    scratch: &mut Scratch,
    #[comptime] registers: Registers,
    #[comptime] form: TileForm,
) {
    if comptime!(form == TileForm::Mma) {
        let mut a = Array::<Vector<F, Const<2>>>::new(4usize);
        #[unroll]
        for i in 0..4usize {
            a[i] = left[comptime!(registers.left + i)];
        }
        let mut b = Array::<Vector<F, Const<2>>>::new(2usize);
        let mut c = Array::<Vector<f32, Const<2>>>::new(2usize);
        #[unroll]
        for i in 0..2usize {
            b[i] = right[comptime!(registers.right + i)];
            c[i] = sums[comptime!(registers.sums + i)];
        }
        let instruction = MmaDefinition::<F, F, f32>::new(16usize, 8usize, 16usize);
        let d = instruction.execute(&a, &b, &c);
        #[unroll]
        for i in 0..2usize {
            sums[comptime!(registers.sums + i)] = d[i];
        }
    } else {
        emulate_multiply(left, right, sums, scratch, registers);
    }
}

/// What `mma.sync` does, through shared memory.
#[cube]
fn emulate_multiply<F: Float>(
    left: &Array<Vector<F, Const<2>>>,
    right: &Array<Vector<F, Const<2>>>,
    sums: &mut Array<Vector<f32, Const<2>>>,
    scratch: &mut Scratch,
    #[comptime] registers: Registers,
) {
    let unit = UNIT_POS as usize;
    let (plane, lane) = (unit / LANES, unit % LANES);
    let (g, pair) = (lane / 4, lane % 4 * 2);
    let (a, b) = (plane * LEFT, plane * RIGHT);
    #[unroll]
    for i in 0..2usize {
        #[unroll]
        for r in 0..4usize {
            let (row, column) = (g + comptime!(8 * (r % 2)), pair + comptime!(8 * (r / 2) + i));
            scratch.left[a + row * 16 + column] =
                f32::cast_from(left[comptime!(registers.left + r)].extract(i));
        }
        #[unroll]
        for r in 0..2usize {
            let row = pair + comptime!(8 * r + i);
            scratch.right[b + row * 8 + g] = f32::cast_from(right[comptime!(registers.right + r)].extract(i));
        }
    }
    sync_cube();
    #[unroll]
    for r in 0..2usize {
        let mut sum = sums[comptime!(registers.sums + r)];
        #[unroll]
        for i in 0..2usize {
            let (row, column) = (a + (g + comptime!(8 * r)) * 16, b + pair + i);
            let mut value = sum.extract(i);
            for k in 0..16usize {
                value += scratch.left[row + k] * scratch.right[column + k * 8];
            }
            sum.insert(i, value);
        }
        sums[comptime!(registers.sums + r)] = sum;
    }
    sync_cube();
}
