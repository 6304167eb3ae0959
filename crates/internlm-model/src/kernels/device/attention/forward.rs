//! The output and the log-sum-exp of each query, with a running maximum and sum over tiles of keys.

use cubecl::ir::ElemType;
use cubecl::prelude::*;

use super::plan::Form;
use super::running::Running;
use super::tile::{Factor, Tile, first_key, load_keys, load_queries, products, share, tile_of_cube};

/// One cube per tile of queries and kv head; `x` is the rotated projection.
///
/// # Shapes
/// - x: `[T, (heads + 2 kv_heads) d]`
/// - tiles: `[tiles, 5]`
/// - out: `[T, heads * d]`
/// - norms: `[2, heads, T]`; the log-sum-exp is written to the first half
#[cube(launch)]
pub(super) fn attend<F: Float>(
    x: &Tensor<F>,
    tiles: &Tensor<u32>,
    out: &mut Tensor<F>,
    norms: &mut Tensor<f32>,
    #[comptime] form: Form,
    #[define(F)] _format: ElemType,
) {
    let tile = tile_of_cube(tiles, comptime!(form.kv_heads));
    if tile.count == 0 {
        terminate!();
    }
    let (slot, end) = (tile.head * comptime!(form.slots()), tile.first + tile.count);
    let mut queries = Shared::<[f32]>::new_slice(comptime!(form.queries() * form.d));
    let mut keys = Shared::<[f32]>::new_slice(comptime!(form.keys * form.d));
    let mut scores = Shared::<[f32]>::new_slice(comptime!(form.queries() * form.keys));
    let mut running = Running::new(form);
    load_queries(x, slot, tile.first, tile.count, &mut queries, form);
    let mut key = first_key(tile.first, tile);
    while key < end {
        let visited = min(end - key, form.keys);
        load_keys(x, slot + form.group, key, visited, &mut keys, form);
        sync_cube();
        products(&queries, &keys, &mut scores, Factor::Root, form);
        sync_cube();
        load_keys(x, slot + comptime!(form.group + 1), key, visited, &mut keys, form);
        sync_cube();
        running.absorb(&scores, &keys, key, tile, form);
        sync_cube();
        key += form.keys;
    }
    finish(&running, out, norms, tile, form);
}

/// Writes the output and the log-sum-exp of the query.
#[cube]
fn finish<F: Float>(
    running: &Running,
    out: &mut Tensor<F>,
    norms: &mut Tensor<f32>,
    tile: Tile,
    #[comptime] form: Form,
) {
    let lanes = comptime!(form.lanes(form.queries()));
    let share = share(lanes);
    let (head, row) = (share.index / form.rows, share.index % form.rows);
    if head < form.group && row < tile.count {
        let (head, token) = (tile.head * form.group + head, tile.first + row);
        let to = token * out.stride(0) + head * form.d;
        #[unroll]
        for i in 0..comptime!(form.numbers(form.queries())) {
            let column = share.lane + i * lanes;
            if column < form.d {
                out[to + column] = F::cast_from(running.sums[i] / running.total.read());
            }
        }
        if share.lane == 0 {
            let to = head * norms.stride(1) + token;
            norms[to] = running.largest.read() + running.total.read().ln();
        }
    }
}
