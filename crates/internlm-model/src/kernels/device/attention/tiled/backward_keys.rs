//! `dk` and `dv`: one cube per tile of keys and kv head visits all queries of the group that see its keys.

use cubecl::prelude::*;

use super::form::TiledForm;
use super::scores::{Pair, Place, column_of_unit, differentiate, query_at, row_of_unit};
use super::stages::{Rows, fetch_keys, fetch_queries, multiply_rows, multiply_weights, stage, write_row};
use crate::kernels::device::attention::tile::{Tile, tile_of_cube};
use crate::kernels::device::tile::{Scratch, commit, wait, zeros};

/// Writes the gradients of keys and values into their slots of `dx`.
///
/// # Shapes
/// - x, dx: `[T, (heads + 2 kv_heads) d]`, rotated
/// - gradient: `[T, heads * d]`
/// - norms: `[2, heads, T]`
/// - tiles: `[tiles, 5]`
#[cube(launch)]
pub(super) fn differentiate_key_tiles<F: Float, N: Size>(
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
    let mut queries = stage::<F, N>(comptime!(form.visited), form);
    let mut gradients = stage::<F, N>(comptime!(form.visited), form);
    let mut keys = stage::<F, N>(comptime!(form.owned()), form);
    let mut values = stage::<F, N>(comptime!(form.owned()), form);
    let mut scratch = Scratch::new(comptime!(form.planes), comptime!(form.form));
    let mut dk = zeros(comptime!(form.registers(form.d)));
    let mut dv = zeros(comptime!(form.registers(form.d)));
    let rows = Rows { slot: slot + form.group, first: tile.first, count: tile.count };
    fetch_keys(x, rows, &mut keys, comptime!(form.owned()), form);
    let rows = Rows { slot: slot + comptime!(form.group + 1), first: tile.first, count: tile.count };
    fetch_keys(x, rows, &mut values, comptime!(form.owned()), form);
    // The last query that sees a key of the tile sees its last key.
    let end = min(tile.end, tile.first + tile.count - 1 + tile.window);
    let tokens = comptime!(form.tokens(form.visited));
    let mut first = tile.first;
    while first < end {
        let count = min(end - first, tokens);
        fetch_queries(x, Rows { slot, first, count }, &mut queries, comptime!(form.visited), form);
        let rows = Rows { slot: tile.head * form.group, first, count };
        fetch_queries(gradient, rows, &mut gradients, comptime!(form.visited), form);
        commit(comptime!(form.form));
        wait(0usize, comptime!(form.form));
        sync_cube();
        let visited = Tile {
            head: tile.head,
            first,
            count,
            start: tile.start,
            end: tile.first + tile.count,
            window: tile.window,
        };
        let mut scores = multiply_rows(&keys, &queries, &mut scratch, form);
        let mut products = multiply_rows(&values, &gradients, &mut scratch, form);
        let place = Place { tile: visited, first: tile.first };
        differentiate_columns(&mut scores, &mut products, norms, place, form);
        multiply_weights(&scores, &gradients, &mut dv, &mut scratch, form);
        multiply_weights(&products, &queries, &mut dk, &mut scratch, form);
        sync_cube();
        first += tokens;
    }
    write_gradients(&dk, &dv, dx, tile, form);
}

/// Writes the gradients of the keys that exist.
#[cube]
fn write_gradients<F: Float>(
    dk: &Array<Vector<f32, Const<2>>>,
    dv: &Array<Vector<f32, Const<2>>>,
    dx: &mut Tensor<Vector<F, Const<2>>>,
    tile: Tile,
    #[comptime] form: TiledForm,
) {
    let slot = tile.head * comptime!(form.slots()) + form.group;
    #[unroll]
    for r in 0..2usize {
        let key = row_of_unit() + comptime!(8 * r);
        if key < tile.count {
            let at = (tile.first + key) * dx.stride(0) + slot * form.d;
            write_row(dk, dx, at, f32::new(1.0), r, form);
            write_row(dv, dx, at + form.d, f32::new(1.0), r, form);
        }
    }
}

/// The gradients of the scores of the two keys of a unit with the queries of `place.tile`, which ends behind the last key
/// of the cube; `place.first` is its first key.
#[cube]
fn differentiate_columns(
    scores: &mut Array<Vector<f32, Const<2>>>,
    products: &mut Array<Vector<f32, Const<2>>>,
    norms: &Tensor<f32>,
    place: Place,
    #[comptime] form: TiledForm,
) {
    let (end, window) = (place.tile.end, place.tile.window);
    #[unroll]
    for pair in 0..comptime!(form.visited / 8) {
        #[unroll]
        for i in 0..2usize {
            let query = query_at(column_of_unit(pair, i), place.tile, comptime!(form.visited), form);
            #[unroll]
            for r in 0..2usize {
                let key = place.first + row_of_unit() + comptime!(8 * r);
                let seen = Pair { query, key, end, window };
                differentiate(scores, products, norms, seen, comptime!([2 * pair + r, i]), form);
            }
        }
    }
}
