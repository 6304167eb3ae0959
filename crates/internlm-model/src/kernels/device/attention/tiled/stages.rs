//! Tiles of queries and keys in shared memory, and their products with each other.

use cubecl::prelude::*;

use super::form::{FRAGMENT, TiledForm};
use crate::kernels::device::tile::{
    CHUNK, LANES, Registers, Scratch, Stored, copy_chunk, load, multiply, zeros,
};

/// Consecutive tokens and the slot of their row that is meant, the first of several for queries.
#[derive(CubeType, Clone, Copy)]
#[expand(derive(Clone, Copy))]
pub(super) struct Rows {
    /// Slot of `d` numbers.
    pub(super) slot: usize,
    /// First token.
    pub(super) first: usize,
    /// Number of tokens.
    pub(super) count: usize,
}

/// The keys from `first` on, none beyond the end.
#[cube]
pub(super) fn keys_from(slot: usize, first: usize, end: usize) -> Rows {
    let mut count = 0usize;
    if first < end {
        count = end - first;
    }
    Rows { slot, first, count }
}

/// Copies the queries of some tokens: query `head * tokens + row` of the tile is head `head` of token `first + row`.
/// Queries of no token are 0.
#[cube]
pub(super) fn fetch_queries<F: Float, N: Size>(
    x: &Tensor<Vector<F, N>>,
    rows: Rows,
    stage: &mut Shared<[Vector<F, N>]>,
    #[comptime] queries: usize,
    #[comptime] form: TiledForm,
) {
    let tokens = comptime!(form.tokens(queries));
    #[unroll]
    for turn in 0..comptime!((queries * form.chunks()).div_ceil(form.units())) {
        let chunk = UNIT_POS as usize + comptime!(turn * form.units());
        let (query, column) = (chunk / comptime!(form.chunks()), chunk % comptime!(form.chunks()));
        let (head, row) = (query / tokens, query % tokens);
        if query < queries {
            let count = select(head < form.group && row < rows.count, CHUNK, 0usize);
            let from = (rows.first + row) * x.stride(0) + (rows.slot + head) * form.d + column * CHUNK;
            let to = query * comptime!(form.pitch()) + column;
            copy_chunk(x, from, count, stage, to, comptime!(form.form));
        }
    }
}

/// Copies one slot of some tokens; keys of no token are 0.
#[cube]
pub(super) fn fetch_keys<F: Float, N: Size>(
    x: &Tensor<Vector<F, N>>,
    rows: Rows,
    stage: &mut Shared<[Vector<F, N>]>,
    #[comptime] keys: usize,
    #[comptime] form: TiledForm,
) {
    #[unroll]
    for turn in 0..comptime!((keys * form.chunks()).div_ceil(form.units())) {
        let chunk = UNIT_POS as usize + comptime!(turn * form.units());
        let (key, column) = (chunk / comptime!(form.chunks()), chunk % comptime!(form.chunks()));
        if key < keys {
            let count = select(key < rows.count, CHUNK, 0usize);
            let from = (rows.first + key) * x.stride(0) + rows.slot * form.d + column * CHUNK;
            let to = key * comptime!(form.pitch()) + column;
            copy_chunk(x, from, count, stage, to, comptime!(form.form));
        }
    }
}

/// A tile in shared memory for `count` queries or keys.
#[cube]
pub(super) fn stage<F: Float, N: Size>(
    #[comptime] count: usize,
    #[comptime] form: TiledForm,
) -> Shared<[Vector<F, N>]> {
    Shared::<[Vector<F, N>]>::new_aligned_slice(comptime!(form.elements(count)), 16usize)
}

/// Products of the 16 owned rows of each plane with all visited rows, `[16, visited]`.
#[cube]
pub(super) fn multiply_rows<F: Float, N: Size>(
    owned: &Shared<[Vector<F, N>]>,
    visited: &Shared<[Vector<F, N>]>,
    scratch: &mut Scratch,
    #[comptime] form: TiledForm,
) -> Array<Vector<f32, Const<2>>> {
    let tile = comptime!(form.form);
    let pitch = comptime!(form.pitch());
    let mut sums = zeros(comptime!(form.registers(form.visited)));
    let first = UNIT_POS as usize / LANES * comptime!(FRAGMENT * form.pitch());
    #[unroll]
    for step in 0..comptime!(form.d / FRAGMENT) {
        let a = load(owned, first + comptime!(2 * step), pitch, Stored::Mk, tile);
        #[unroll]
        for pair in 0..comptime!(form.visited / FRAGMENT) {
            let at = comptime!(pair * FRAGMENT * pitch + 2 * step);
            let b = load(visited, at, pitch, Stored::Nk, tile);
            let registers = comptime!(Registers { right: 0, sums: 4 * pair });
            multiply(&a, &b, &mut sums, scratch, registers, tile);
        }
    }
    sums
}

/// Adds the products of weights, `[16, visited]` for each plane, with all visited rows, `[visited, d]`.
#[cube]
pub(super) fn multiply_weights<F: Float, N: Size>(
    weights: &Array<Vector<f32, Const<2>>>,
    visited: &Shared<[Vector<F, N>]>,
    sums: &mut Array<Vector<f32, Const<2>>>,
    scratch: &mut Scratch,
    #[comptime] form: TiledForm,
) {
    let tile = comptime!(form.form);
    let pitch = comptime!(form.pitch());
    #[unroll]
    for step in 0..comptime!(form.visited / FRAGMENT) {
        // Sums of 16 columns are laid out as the left operand of a product along these columns.
        let mut a = Array::<Vector<F, Const<2>>>::new(4usize);
        #[unroll]
        for i in 0..4usize {
            a[i] = Vector::<F, Const<2>>::cast_from(weights[comptime!(4 * step + i)]);
        }
        #[unroll]
        for pair in 0..comptime!(form.d / FRAGMENT) {
            let at = comptime!(step * FRAGMENT * pitch + 2 * pair);
            let b = load(visited, at, pitch, Stored::Kn, tile);
            let registers = comptime!(Registers { right: 0, sums: 4 * pair });
            multiply(&a, &b, sums, scratch, registers, tile);
        }
    }
}

/// Writes one of the 16 rows of a plane, `r` of the two of a unit, to the slot of a token.
#[cube]
pub(super) fn write_row<F: Float>(
    sums: &Array<Vector<f32, Const<2>>>,
    out: &mut Tensor<Vector<F, Const<2>>>,
    at: usize,
    factor: f32,
    #[comptime] r: usize,
    #[comptime] form: TiledForm,
) {
    let first = at + UNIT_POS as usize % 4 * 2;
    #[unroll]
    for column in 0..comptime!(form.d / CHUNK) {
        let to = (first + comptime!(column * CHUNK)) / 2;
        let value = sums[comptime!(2 * column + r)] * Vector::<f32, Const<2>>::new(factor);
        out[to] = Vector::<F, Const<2>>::cast_from(value);
    }
}
