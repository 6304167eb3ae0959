//! The output and the log-sum-exp of each query.

use cubecl::ir::ElemType;
use cubecl::prelude::*;

use super::form::TiledForm;
use super::scores::{Place, Softmax, query_at, row_of_unit};
use super::stages::{
    Rows, fetch_keys, fetch_queries, keys_from, multiply_rows, multiply_weights, stage, write_row,
};
use crate::kernels::device::attention::tile::{Tile, first_key, tile_of_cube};
use crate::kernels::device::tile::{Scratch, commit, wait, zeros};

/// One cube per tile of queries and kv head; `x` is the rotated projection. Values arrive while scores are computed,
/// and the next keys while the values are multiplied.
///
/// # Shapes
/// - x: `[T, (heads + 2 kv_heads) d]`
/// - tiles: `[tiles, 5]`
/// - out: `[T, heads * d]`
/// - norms: `[2, heads, T]`; the log-sum-exp is written to the first half
#[cube(launch)]
pub(super) fn attend_tiles<F: Float, N: Size>(
    x: &Tensor<Vector<F, N>>,
    tiles: &Tensor<u32>,
    out: &mut Tensor<Vector<F, Const<2>>>,
    norms: &mut Tensor<f32>,
    #[comptime] form: TiledForm,
    #[define(F)] _format: ElemType,
) {
    let tile = tile_of_cube(tiles, comptime!(form.kv_heads));
    if tile.count == 0 {
        terminate!();
    }
    let slot = tile.head * comptime!(form.slots());
    let end = tile.first + tile.count;
    let mut queries = stage::<F, N>(comptime!(form.owned()), form);
    let mut keys = stage::<F, N>(comptime!(form.visited), form);
    let mut values = stage::<F, N>(comptime!(form.visited), form);
    let mut scratch = Scratch::new(comptime!(form.planes), comptime!(form.form));
    let mut sums = zeros(comptime!(form.registers(form.d)));
    let mut softmax = Softmax::new();
    let mut key = first_key(tile.first, tile);
    let rows = Rows { slot, first: tile.first, count: tile.count };
    fetch_queries(x, rows, &mut queries, comptime!(form.owned()), form);
    fetch_keys(x, keys_from(slot + form.group, key, end), &mut keys, comptime!(form.visited), form);
    commit(comptime!(form.form));
    while key < end {
        let value_slot = slot + comptime!(form.group + 1);
        fetch_keys(x, keys_from(value_slot, key, end), &mut values, comptime!(form.visited), form);
        commit(comptime!(form.form));
        wait(1usize, comptime!(form.form));
        sync_cube();
        let mut scores = multiply_rows(&queries, &keys, &mut scratch, form);
        sync_cube();
        let next = key + form.visited;
        fetch_keys(x, keys_from(slot + form.group, next, end), &mut keys, comptime!(form.visited), form);
        commit(comptime!(form.form));
        softmax.absorb(&mut scores, &mut sums, &mut scratch, Place { tile, first: key }, form);
        wait(1usize, comptime!(form.form));
        sync_cube();
        multiply_weights(&scores, &values, &mut sums, &mut scratch, form);
        sync_cube();
        key = next;
    }
    softmax.finish(&mut scratch, form);
    write_outputs(&sums, &softmax, out, tile, form);
    write_norms(&softmax, norms, tile, form);
}

/// Writes the output of each query that exists.
#[cube]
fn write_outputs<F: Float>(
    sums: &Array<Vector<f32, Const<2>>>,
    softmax: &Softmax,
    out: &mut Tensor<Vector<F, Const<2>>>,
    tile: Tile,
    #[comptime] form: TiledForm,
) {
    #[unroll]
    for r in 0..2usize {
        let query = query_at(row_of_unit() + comptime!(8 * r), tile, comptime!(form.owned()), form);
        if query.exists == 1 {
            let at = query.token * out.stride(0) + query.head * form.d;
            write_row(sums, out, at, f32::new(1.0) / softmax.total[r], r, form);
        }
    }
}

/// Writes the log-sum-exp of each query that exists.
#[cube]
fn write_norms(softmax: &Softmax, norms: &mut Tensor<f32>, tile: Tile, #[comptime] form: TiledForm) {
    #[unroll]
    for r in 0..2usize {
        let query = query_at(row_of_unit() + comptime!(8 * r), tile, comptime!(form.owned()), form);
        if query.exists == 1 && UNIT_POS % 4 == 0 {
            let to = query.head * norms.stride(1) + query.token;
            norms[to] = softmax.largest[r] + softmax.total[r].ln();
        }
    }
}
