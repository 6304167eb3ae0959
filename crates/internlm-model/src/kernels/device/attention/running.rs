//! [`Running`]: the softmax of the queries of a tile while its keys come tile by tile.

use cubecl::prelude::*;

use super::plan::Form;
use super::tile::{Tile, sees, share};

/// The softmax of one query over the keys seen so far; the units that share a query hold the same maximum and sum.
#[derive(CubeType)]
pub(super) struct Running {
    /// The unit's numbers of the sum of weighted values.
    pub(super) sums: Array<f32>,
    /// Largest score.
    pub(super) largest: RuntimeCell<f32>,
    /// Sum of `exp(score - largest)`.
    pub(super) total: RuntimeCell<f32>,
}

#[cube]
impl Running {
    /// The softmax of no keys.
    pub(super) fn new(#[comptime] form: Form) -> Running {
        let mut sums = Array::<f32>::new(comptime!(form.numbers(form.queries())));
        #[unroll]
        for i in 0..comptime!(form.numbers(form.queries())) {
            sums[i] = f32::new(0.0);
        }
        let largest = RuntimeCell::<f32>::new(f32::min_value());
        Running { sums, largest, total: RuntimeCell::<f32>::new(f32::new(0.0)) }
    }

    /// Takes the scores and values of the keys from `first` on.
    pub(super) fn absorb(
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

    /// Begins again without keys.
    pub(super) fn clear(&mut self, #[comptime] form: Form) {
        self.largest.store(f32::min_value());
        self.total.store(f32::new(0.0));
        #[unroll]
        for i in 0..comptime!(form.numbers(form.queries())) {
            self.sums[i] = f32::new(0.0);
        }
    }

    /// Takes what another softmax of the same queries has seen of later keys.
    ///
    /// The fused multiplication is asked for so that the compiler has no choice between two: the kernel that combines
    /// parts of other cubes must give the same bits.
    pub(super) fn merge(&mut self, part: &Running, #[comptime] form: Form) {
        let largest = max(self.largest.read(), part.largest.read());
        let old = (self.largest.read() - largest).exp();
        let new = (part.largest.read() - largest).exp();
        self.largest.store(largest);
        self.total.store(fma(self.total.read(), old, part.total.read() * new));
        #[unroll]
        for i in 0..comptime!(form.numbers(form.queries())) {
            self.sums[i] = fma(self.sums[i], old, part.sums[i] * new);
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
}
