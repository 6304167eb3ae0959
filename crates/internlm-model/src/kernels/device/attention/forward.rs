//! The output and the log-sum-exp of each query, with a running maximum and sum over tiles of keys.

use cubecl::prelude::*;

use super::plan::Form;
use super::tile::{Factor, Tile, first_key, load_keys, load_queries, products, sees, share, tile_of_cube};

/// One cube per tile of queries and kv head; `x` is the rotated projection.
///
/// # Shapes
/// - x: `[T, (heads + 2 kv_heads) d]`
/// - tiles: `[tiles, 5]`
/// - out: `[T, heads * d]`
/// - norms: `[2, heads, T]`; the log-sum-exp is written to the first half
#[cube(launch)]
pub(super) fn attend(
    x: &Tensor<f32>,
    tiles: &Tensor<u32>,
    out: &mut Tensor<f32>,
    norms: &mut Tensor<f32>,
    #[comptime] form: Form,
) {
    let tile = tile_of_cube(tiles, form);
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
    running.finish(out, norms, tile, form);
}

/// The softmax of one query over the keys seen so far; the units that share a query hold the same maximum and sum.
#[derive(CubeType)]
struct Running {
    /// The unit's numbers of the sum of weighted values.
    sums: Array<f32>,
    /// Largest score.
    largest: RuntimeCell<f32>,
    /// Sum of `exp(score - largest)`.
    total: RuntimeCell<f32>,
}

#[cube]
impl Running {
    fn new(#[comptime] form: Form) -> Running {
        let mut sums = Array::<f32>::new(comptime!(form.numbers(form.queries())));
        #[unroll]
        for i in 0..comptime!(form.numbers(form.queries())) {
            sums[i] = f32::new(0.0);
        }
        let largest = RuntimeCell::<f32>::new(f32::min_value());
        Running { sums, largest, total: RuntimeCell::<f32>::new(f32::new(0.0)) }
    }

    /// Takes the scores and values of the keys from `first` on.
    fn absorb(
        &mut self,
        scores: &Shared<[f32]>,
        values: &Shared<[f32]>,
        first: usize,
        tile: Tile,
        #[comptime] form: Form,
    ) {
        let share = share(comptime!(form.lanes(form.queries())));
        if share.index < comptime!(form.queries()) {
            let token = tile.first + share.index % form.rows;
            let at = share.index * form.keys;
            let mut largest = self.largest.read();
            for key in 0..form.keys {
                if sees(token, first + key, tile.window) {
                    largest = max(largest, scores[at + key]);
                }
            }
            self.rescale((self.largest.read() - largest).exp(), form);
            self.largest.store(largest);
            for key in 0..form.keys {
                if sees(token, first + key, tile.window) {
                    self.add((scores[at + key] - largest).exp(), values, key, form);
                }
            }
        }
    }

    /// Multiplies what was summed before.
    fn rescale(&mut self, factor: f32, #[comptime] form: Form) {
        self.total.store(self.total.read() * factor);
        #[unroll]
        for i in 0..comptime!(form.numbers(form.queries())) {
            self.sums[i] *= factor;
        }
    }

    /// Adds the value of one key with its weight.
    fn add(&mut self, weight: f32, values: &Shared<[f32]>, key: usize, #[comptime] form: Form) {
        let lanes = comptime!(form.lanes(form.queries()));
        self.total.store(self.total.read() + weight);
        #[unroll]
        for i in 0..comptime!(form.numbers(form.queries())) {
            let column = share(lanes).lane + i * lanes;
            if column < form.d {
                self.sums[i] += weight * values[key * form.d + column];
            }
        }
    }

    /// Writes the output and the log-sum-exp of the query.
    fn finish(&self, out: &mut Tensor<f32>, norms: &mut Tensor<f32>, tile: Tile, #[comptime] form: Form) {
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
                    out[to + column] = self.sums[i] / self.total.read();
                }
            }
            if share.lane == 0 {
                let to = head * norms.stride(1) + token;
                norms[to] = self.largest.read() + self.total.read().ln();
            }
        }
    }
}
