//! `dq`: one cube per tile of queries and kv head visits the keys that its queries see.

use cubecl::prelude::*;

use super::gradient::{differentiate_scores, zeros};
use super::plan::Form;
use super::tile::{Factor, Tile, first_key, load_keys, load_queries, products, share, tile_of_cube};

/// Writes the gradients of the queries into their slots of `dx`.
///
/// # Shapes
/// - x, dx: `[T, (heads + 2 kv_heads) d]`, rotated
/// - gradient: `[T, heads * d]`
/// - norms: `[2, heads, T]`
/// - tiles: `[tiles, 5]`
#[cube(launch)]
pub(super) fn differentiate_queries<F: Float>(
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
    let (slot, end) = (tile.head * comptime!(form.slots()), tile.first + tile.count);
    let mut queries = Shared::<[f32]>::new_slice(comptime!(form.queries() * form.d));
    let mut gradients = Shared::<[f32]>::new_slice(comptime!(form.queries() * form.d));
    let mut keys = Shared::<[f32]>::new_slice(comptime!(form.keys * form.d));
    let mut values = Shared::<[f32]>::new_slice(comptime!(form.keys * form.d));
    let mut scores = Shared::<[f32]>::new_slice(comptime!(form.queries() * form.keys));
    let mut dscores = Shared::<[f32]>::new_slice(comptime!(form.queries() * form.keys));
    let mut sums = zeros(comptime!(form.numbers(form.queries())));
    load_queries(x, slot, tile.first, tile.count, &mut queries, form);
    load_queries(gradient, tile.head * form.group, tile.first, tile.count, &mut gradients, form);
    let mut key = first_key(tile.first, tile);
    while key < end {
        let visited = min(end - key, form.keys);
        load_keys(x, slot + form.group, key, visited, &mut keys, form);
        load_keys(x, slot + comptime!(form.group + 1), key, visited, &mut values, form);
        sync_cube();
        products(&queries, &keys, &mut scores, Factor::Root, form);
        products(&gradients, &values, &mut dscores, Factor::One, form);
        sync_cube();
        differentiate_scores(&mut scores, &mut dscores, norms, tile, key, form);
        sync_cube();
        add_keys(&mut sums, &dscores, &keys, form);
        sync_cube();
        key += form.keys;
    }
    write_queries(&sums, dx, tile, form);
}

/// Adds `dS k` of one tile of keys to the unit's numbers of its query.
#[cube]
fn add_keys(sums: &mut Array<f32>, dscores: &Shared<[f32]>, keys: &Shared<[f32]>, #[comptime] form: Form) {
    let lanes = comptime!(form.lanes(form.queries()));
    let share = share(lanes);
    if share.index < comptime!(form.queries()) {
        for key in 0..form.keys {
            let factor = dscores[share.index * form.keys + key];
            #[unroll]
            for i in 0..comptime!(form.numbers(form.queries())) {
                let column = share.lane + i * lanes;
                if column < form.d {
                    sums[i] += factor * keys[key * form.d + column];
                }
            }
        }
    }
}

#[cube]
fn write_queries<F: Float>(sums: &Array<f32>, dx: &mut Tensor<F>, tile: Tile, #[comptime] form: Form) {
    let lanes = comptime!(form.lanes(form.queries()));
    let share = share(lanes);
    let (head, row) = (share.index / form.rows, share.index % form.rows);
    if head < form.group && row < tile.count {
        let slot = tile.head * comptime!(form.slots()) + head;
        let to = (tile.first + row) * dx.stride(0) + slot * form.d;
        #[unroll]
        for i in 0..comptime!(form.numbers(form.queries())) {
            let column = share.lane + i * lanes;
            if column < form.d {
                dx[to + column] = F::cast_from(sums[i]);
            }
        }
    }
}
