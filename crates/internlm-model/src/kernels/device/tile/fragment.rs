//! Fragments: the numbers of a tile that one unit of a plane holds, and the product of two of them.
//!
//! Unit `l` of a plane, with `g = l / 4` and `t = l % 4`, holds pairs of neighboring numbers (PTX ISA, "Matrix Fragments
//! for mma.m16n8k16"): of the left operand `[m, k]` those at `(g, 2t)`, `(g + 8, 2t)`, `(g, 2t + 8)`, `(g + 8, 2t + 8)`;
//! of the right one `[k, n]`, neighbors along k, those at `(2t, g)`, `(2t + 8, g)`; of the sums `[m, n]` those at
//! `(g, 2t)`, `(g + 8, 2t)`.

use cubecl::cmma::{MatrixIdent, MmaDefinition};
use cubecl::prelude::*;

use super::form::{CHUNK, LANES, TileForm};
use super::scratch::{OPERAND, Scratch};

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

/// The first of four registers of the right operands and of the sums in their arrays.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(in crate::kernels::device) struct Registers {
    pub(in crate::kernels::device) right: usize,
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

/// The chunk of a stage that unit `lane` of a plane names for the 16x16 tile whose first number is in chunk `at`.
#[cube]
fn chunk_of(at: usize, lane: usize, #[comptime] pitch: usize, #[comptime] stored: Stored) -> usize {
    let (inner, outer) = (lane / 8 % 2, lane / 16);
    let mut chunk = at + lane % 8 * pitch;
    if comptime!(stored.downwards()) {
        chunk += inner * comptime!(8 * pitch) + outer;
    } else {
        chunk += outer * comptime!(8 * pitch) + inner;
    }
    chunk
}

/// The fragments of a 16x16 tile whose first number is in chunk `at` of a stage, the same for all units of a plane: 4
/// pairs of a left operand, or 2 for each of two neighboring right operands. All units of the plane call it.
#[cube]
pub(in crate::kernels::device) fn load<F: Float, N: Size>(
    stage: &Shared<[Vector<F, N>]>,
    at: usize,
    #[comptime] pitch: usize,
    #[comptime] stored: Stored,
    #[comptime] form: TileForm,
) -> Array<Vector<F, Const<2>>> {
    let mut fragments = Array::<Vector<F, Const<2>>>::new(4usize);
    if comptime!(form == TileForm::Mma) {
        let chunk = chunk_of(at, UNIT_POS as usize % LANES, pitch, stored);
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
        emulate_load(stage, at, &mut fragments, pitch, stored);
    }
    fragments
}

// Loops of the emulated form are not unrolled: what lavapipe's compiler takes grows faster than the square of the number
// of accesses to shared memory in a kernel with barriers.

/// What `ldmatrix.x4` does: units `8i .. 8i + 8` name the rows of matrix i, of which each unit gets one pair.
#[cube]
fn emulate_load<F: Float, N: Size>(
    stage: &Shared<[Vector<F, N>]>,
    at: usize,
    fragments: &mut Array<Vector<F, Const<2>>>,
    #[comptime] pitch: usize,
    #[comptime] stored: Stored,
) {
    let lane = UNIT_POS as usize % LANES;
    let (g, pair) = (lane / 4, lane % 4 * 2);
    for matrix in 0..4usize {
        let mut fragment = Vector::<F, Const<2>>::empty();
        #[unroll]
        for i in 0..2usize {
            let mut row = g;
            let mut column = pair + i;
            if comptime!(stored.along_k()) {
                row = pair + i;
                column = g;
            }
            let start = chunk_of(at, 8 * matrix + row, pitch, stored) * CHUNK;
            fragment.insert(i, stage[start + column].extract(0usize));
        }
        fragments[matrix] = fragment;
    }
}

/// Adds the product of a 16x16 fragment and of two neighboring 16x8 fragments to the sums. All units of the cube call it.
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
            a[i] = left[i];
        }
        #[unroll]
        for half in 0..2usize {
            let mut b = Array::<Vector<F, Const<2>>>::new(2usize);
            let mut c = Array::<Vector<f32, Const<2>>>::new(2usize);
            #[unroll]
            for i in 0..2usize {
                b[i] = right[comptime!(registers.right + 2 * half + i)];
                c[i] = sums[comptime!(registers.sums + 2 * half + i)];
            }
            let instruction = MmaDefinition::<F, F, f32>::new(16usize, 8usize, 16usize);
            let d = instruction.execute(&a, &b, &c);
            #[unroll]
            for i in 0..2usize {
                sums[comptime!(registers.sums + 2 * half + i)] = d[i];
            }
        }
    } else {
        emulate_multiply(left, right, sums, scratch, registers);
    }
}

/// What two `mma.sync` do, through shared memory.
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
    let first = plane * OPERAND;
    for r in 0..4usize {
        #[unroll]
        for i in 0..2usize {
            let (row, column) = (g + 8 * (r % 2), pair + 8 * (r / 2) + i);
            scratch.left[first + row * 16 + column] = f32::cast_from(left[r].extract(i));
            let (row, column) = (pair + 8 * (r % 2) + i, g + 8 * (r / 2));
            scratch.right[first + row * 16 + column] = f32::cast_from(right[registers.right + r].extract(i));
        }
    }
    sync_cube();
    for r in 0..4usize {
        let row = first + (g + 8 * (r % 2)) * 16;
        let column = first + pair + 8 * (r / 2);
        let mut sum = sums[registers.sums + r];
        let mut values = (sum.extract(0usize), sum.extract(1usize));
        for k in 0..16usize {
            let factor = scratch.left[row + k];
            values.0 += factor * scratch.right[column + k * 16];
            values.1 += factor * scratch.right[column + k * 16 + 1];
        }
        sum.insert(0usize, values.0);
        sum.insert(1usize, values.1);
        sums[registers.sums + r] = sum;
    }
    sync_cube();
}
