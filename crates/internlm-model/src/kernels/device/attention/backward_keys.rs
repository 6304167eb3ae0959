//! `dk` and `dv`: one cube per tile of keys and kv head visits all queries of the group that see its keys.

use cubecl::prelude::*;

use super::gradient::{differentiate_scores, zeros};
use super::plan::Form;
use super::tile::{Factor, Tile, load_keys, load_queries, products, share, tile_of_cube};

/// Writes the gradients of keys and values into their slots of `dx`.
///
/// # Shapes
/// - x, dx: `[T, (heads + 2 kv_heads) d]`, rotated
/// - gradient: `[T, heads * d]`
/// - norms: `[2, heads, T]`
/// - tiles: `[tiles, 5]`
#[cube(launch)]
pub(super) fn differentiate_keys<F: Float>(
    x: &Tensor<F>,
    gradient: &Tensor<F>,
    norms: &Tensor<f32>,
    tiles: &Tensor<u32>,
    dx: &mut Tensor<F>,
    #[comptime] form: Form,
) {
    let tile = tile_of_cube(tiles, comptime!(form.kv_heads));
    if tile.count == 0 {
        terminate!();
    }
    let slot = tile.head * comptime!(form.slots());
    let mut queries = Shared::<[f32]>::new_slice(comptime!(form.queries() * form.d));
    let mut gradients = Shared::<[f32]>::new_slice(comptime!(form.queries() * form.d));
    let mut keys = Shared::<[f32]>::new_slice(comptime!(form.keys * form.d));
    let mut values = Shared::<[f32]>::new_slice(comptime!(form.keys * form.d));
    let mut scores = Shared::<[f32]>::new_slice(comptime!(form.queries() * form.keys));
    let mut dscores = Shared::<[f32]>::new_slice(comptime!(form.queries() * form.keys));
    let mut dk = zeros(comptime!(form.numbers(form.keys)));
    let mut dv = zeros(comptime!(form.numbers(form.keys)));
    load_keys(x, slot + form.group, tile.first, tile.count, &mut keys, form);
    load_keys(x, slot + comptime!(form.group + 1), tile.first, tile.count, &mut values, form);
    // The last query that sees a key of the tile sees its last key.
    let end = min(tile.end, tile.first + tile.count - 1 + tile.window);
    let mut first = tile.first;
    while first < end {
        let visited = Tile {
            head: tile.head,
            first,
            count: min(end - first, form.rows),
            start: tile.start,
            end: tile.end,
            window: tile.window,
        };
        load_queries(x, slot, first, visited.count, &mut queries, form);
        load_queries(gradient, tile.head * form.group, first, visited.count, &mut gradients, form);
        sync_cube();
        products(&queries, &keys, &mut scores, Factor::Root, form);
        products(&gradients, &values, &mut dscores, Factor::One, form);
        sync_cube();
        differentiate_scores(&mut scores, &mut dscores, norms, visited, tile.first, form);
        sync_cube();
        add_queries(&mut dk, &dscores, &queries, form);
        add_queries(&mut dv, &scores, &gradients, form);
        sync_cube();
        first += form.rows;
    }
    write_keys(&dk, dx, slot + form.group, tile, form);
    write_keys(&dv, dx, slot + comptime!(form.group + 1), tile, form);
}

/// Adds `factors^T rows` of one tile of queries to the unit's numbers of its key.
#[cube]
fn add_queries(sums: &mut Array<f32>, factors: &Shared<[f32]>, rows: &Shared<[f32]>, #[comptime] form: Form) {
    let lanes = comptime!(form.lanes(form.keys));
    let share = share(lanes);
    if share.index < form.keys {
        for query in 0..comptime!(form.queries()) {
            let factor = factors[query * form.keys + share.index];
            #[unroll]
            for i in 0..comptime!(form.numbers(form.keys)) {
                let column = share.lane + i * lanes;
                if column < form.d {
                    sums[i] += factor * rows[query * form.d + column];
                }
            }
        }
    }
}

#[cube]
fn write_keys<F: Float>(
    sums: &Array<f32>,
    dx: &mut Tensor<F>,
    slot: usize,
    tile: Tile,
    #[comptime] form: Form,
) {
    let lanes = comptime!(form.lanes(form.keys));
    let share = share(lanes);
    if share.index < form.keys && share.index < tile.count {
        let to = (tile.first + share.index) * dx.stride(0) + slot * form.d;
        #[unroll]
        for i in 0..comptime!(form.numbers(form.keys)) {
            let column = share.lane + i * lanes;
            if column < form.d {
                dx[to + column] = F::cast_from(sums[i]);
            }
        }
    }
}
