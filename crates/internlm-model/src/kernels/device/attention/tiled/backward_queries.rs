//! `dq`: one cube per tile of queries and kv head visits the keys that its queries see.

use cubecl::prelude::*;

use super::form::TiledForm;
use super::scores::{Pair, Place, column_of_unit, differentiate, query_at, row_of_unit};
use super::stages::{
    Rows, fetch_keys, fetch_queries, keys_from, multiply_rows, multiply_weights, stage, write_row,
};
use crate::kernels::device::attention::tile::{first_key, tile_of_cube};
use crate::kernels::device::tile::{Scratch, commit, wait, zeros};

/// Writes the gradients of the queries into their slots of `dx`.
///
/// # Shapes
/// - x, dx: `[T, (heads + 2 kv_heads) d]`, rotated
/// - gradient: `[T, heads * d]`
/// - norms: `[2, heads, T]`
/// - tiles: `[tiles, 5]`
#[cube(launch)]
pub(super) fn differentiate_query_tiles<F: Float, N: Size>(
    x: &Tensor<Vector<F, N>>,
    gradient: &Tensor<Vector<F, N>>,
    norms: &Tensor<f32>,
    tiles: &Tensor<u32>,
    dx: &mut Tensor<Vector<F, Const<2>>>,
    #[comptime] form: TiledForm,
) {
    let tile = tile_of_cube(tiles, comptime!(form.kv_heads));
    if tile.count == 0 {
        terminate!();
    }
    let slot = tile.head * comptime!(form.slots());
    let end = tile.first + tile.count;
    let mut queries = stage::<F, N>(comptime!(form.owned()), form);
    let mut gradients = stage::<F, N>(comptime!(form.owned()), form);
    let mut keys = stage::<F, N>(comptime!(form.visited), form);
    let mut values = stage::<F, N>(comptime!(form.visited), form);
    let mut scratch = Scratch::new(comptime!(form.planes), comptime!(form.form));
    let mut sums = zeros(comptime!(form.registers(form.d)));
    let rows = Rows { slot, first: tile.first, count: tile.count };
    fetch_queries(x, rows, &mut queries, comptime!(form.owned()), form);
    let rows = Rows { slot: tile.head * form.group, first: tile.first, count: tile.count };
    fetch_queries(gradient, rows, &mut gradients, comptime!(form.owned()), form);
    let mut key = first_key(tile.first, tile);
    while key < end {
        fetch_keys(x, keys_from(slot + form.group, key, end), &mut keys, comptime!(form.visited), form);
        let value_slot = slot + comptime!(form.group + 1);
        fetch_keys(x, keys_from(value_slot, key, end), &mut values, comptime!(form.visited), form);
        commit(comptime!(form.form));
        wait(0usize, comptime!(form.form));
        sync_cube();
        let mut scores = multiply_rows(&queries, &keys, &mut scratch, form);
        let mut products = multiply_rows(&gradients, &values, &mut scratch, form);
        differentiate_rows(&mut scores, &mut products, norms, Place { tile, first: key }, form);
        multiply_weights(&products, &keys, &mut sums, &mut scratch, form);
        sync_cube();
        key += form.visited;
    }
    #[unroll]
    for r in 0..2usize {
        let query = query_at(row_of_unit() + comptime!(8 * r), tile, comptime!(form.owned()), form);
        if query.exists == 1 {
            let head = query.head - tile.head * form.group;
            let at = query.token * dx.stride(0) + (slot + head) * form.d;
            write_row(&sums, dx, at, f32::new(1.0), r, form);
        }
    }
}

/// The gradients of the scores of the two queries of a unit with the keys from `place.first` on.
#[cube]
fn differentiate_rows(
    scores: &mut Array<Vector<f32, Const<2>>>,
    products: &mut Array<Vector<f32, Const<2>>>,
    norms: &Tensor<f32>,
    place: Place,
    #[comptime] form: TiledForm,
) {
    let (end, window) = (place.tile.end, place.tile.window);
    #[unroll]
    for r in 0..2usize {
        let query = query_at(row_of_unit() + comptime!(8 * r), place.tile, comptime!(form.owned()), form);
        #[unroll]
        for pair in 0..comptime!(form.visited / 8) {
            #[unroll]
            for i in 0..2usize {
                let key = place.first + column_of_unit(pair, i);
                let seen = Pair { query, key, end, window };
                differentiate(scores, products, norms, seen, comptime!([2 * pair + r, i]), form);
            }
        }
    }
}
