//! Scores of one plane: which query and key they belong to, the running softmax, and weights made again.

use cubecl::prelude::*;

use super::form::{FRAGMENT, TiledForm};
use crate::kernels::device::attention::tile::{Tile, sees};
use crate::kernels::device::tile::{LANES, Scratch, quad_max, quad_sum};

/// A query of a tile.
#[derive(CubeType, Clone, Copy)]
#[expand(derive(Clone, Copy))]
pub(super) struct Query {
    /// Its head among all query heads.
    pub(super) head: usize,
    /// Its token; beyond the last one of the row when the tile has fewer queries.
    pub(super) token: usize,
    /// 1 when it exists, else 0.
    pub(super) exists: usize,
}

/// The query at place `index` of a tile of `queries`.
#[cube]
pub(super) fn query_at(
    index: usize,
    tile: Tile,
    #[comptime] queries: usize,
    #[comptime] form: TiledForm,
) -> Query {
    let tokens = comptime!(form.tokens(queries));
    let (head, row) = (index / tokens, index % tokens);
    let exists = select(head < form.group && row < tile.count, 1usize, 0usize);
    Query { head: tile.head * form.group + head, token: tile.first + row, exists }
}

/// The first of the two rows of a plane that a unit holds numbers of; the other one is 8 below.
#[cube]
pub(super) fn row_of_unit() -> usize {
    UNIT_POS as usize / LANES * FRAGMENT + UNIT_POS as usize % LANES / 4
}

/// The column of number `i` of pair `pair` of the scores of a row.
#[cube]
pub(super) fn column_of_unit(#[comptime] pair: usize, #[comptime] i: usize) -> usize {
    UNIT_POS as usize % 4 * 2 + comptime!(8 * pair + i)
}

/// The softmax of the two queries of a unit over the keys seen so far.
#[derive(CubeType)]
pub(super) struct Softmax {
    /// Largest score of each.
    pub(super) largest: Array<f32>,
    /// The unit's part of the sum of `exp(score - largest)` of each.
    pub(super) total: Array<f32>,
}

#[cube]
impl Softmax {
    /// The softmax of no keys.
    pub(super) fn new() -> Softmax {
        let mut largest = Array::<f32>::new(2usize);
        let mut total = Array::<f32>::new(2usize);
        #[unroll]
        for r in 0..2usize {
            largest[r] = f32::min_value();
            total[r] = f32::new(0.0);
        }
        Softmax { largest, total }
    }

    /// Turns the scores of the keys from `key` on into weights, and multiplies what was summed before by what it is
    /// worth now. All units of the cube call it.
    pub(super) fn absorb(
        &mut self,
        scores: &mut Array<Vector<f32, Const<2>>>,
        sums: &mut Array<Vector<f32, Const<2>>>,
        scratch: &mut Scratch,
        place: Place,
        #[comptime] form: TiledForm,
    ) {
        #[unroll]
        for r in 0..2usize {
            let query = query_at(row_of_unit() + comptime!(8 * r), place.tile, comptime!(form.owned()), form);
            let mut largest = self.largest[r];
            #[unroll]
            for pair in 0..comptime!(form.visited / 8) {
                #[unroll]
                for i in 0..2usize {
                    let score = scores[comptime!(2 * pair + r)].extract(i) * factor(form);
                    let key = place.first + column_of_unit(pair, i);
                    largest = select(sees(query.token, key, place.tile.window), max(largest, score), largest);
                }
            }
            let largest = quad_max(largest, scratch, comptime!(form.form));
            let mut total = f32::new(0.0);
            #[unroll]
            for pair in 0..comptime!(form.visited / 8) {
                let mut weights = scores[comptime!(2 * pair + r)];
                #[unroll]
                for i in 0..2usize {
                    let key = place.first + column_of_unit(pair, i);
                    let weight = (weights.extract(i) * factor(form) - largest).exp();
                    let weight = select(sees(query.token, key, place.tile.window), weight, f32::new(0.0));
                    total += weight;
                    weights.insert(i, weight);
                }
                scores[comptime!(2 * pair + r)] = weights;
            }
            let worth = (self.largest[r] - largest).exp();
            self.largest[r] = largest;
            self.total[r] = self.total[r] * worth + total;
            #[unroll]
            for column in 0..comptime!(form.d / 8) {
                let at = comptime!(2 * column + r);
                sums[at] = sums[at] * Vector::<f32, Const<2>>::new(worth);
            }
        }
    }

    /// Adds up the parts of the units that share a query. All units of the cube call it.
    pub(super) fn finish(&mut self, scratch: &mut Scratch, #[comptime] form: TiledForm) {
        #[unroll]
        for r in 0..2usize {
            self.total[r] = quad_sum(self.total[r], scratch, comptime!(form.form));
        }
    }
}

/// The tile of queries that a cube works for, and the first key, or token, of the tile that it visits.
#[derive(CubeType, Clone, Copy)]
#[expand(derive(Clone, Copy))]
pub(super) struct Place {
    /// The queries.
    pub(super) tile: Tile,
    /// First key.
    pub(super) first: usize,
}

/// `1 / sqrt(d)`.
#[cube]
pub(super) fn factor(#[comptime] form: TiledForm) -> f32 {
    f32::new(comptime!(1.0 / (form.d as f32).sqrt()))
}

/// Writes the weight of a score, made again from the log-sum-exp of its query, over the score, and the gradient of the
/// score times `1 / sqrt(d)` over `products`, the product of the output's gradient with the value. Both are 0 where
/// the query does not see the key.
#[cube]
pub(super) fn differentiate(
    scores: &mut Array<Vector<f32, Const<2>>>,
    products: &mut Array<Vector<f32, Const<2>>>,
    norms: &Tensor<f32>,
    pair: Pair,
    #[comptime] at: [usize; 2],
    #[comptime] form: TiledForm,
) {
    let register = comptime!(at[0]);
    let i = comptime!(at[1]);
    let mut score = scores[register];
    let mut product = products[register];
    let mut weight = f32::new(0.0);
    let mut gradient = f32::new(0.0);
    if pair.query.exists == 1 && pair.key < pair.end && sees(pair.query.token, pair.key, pair.window) {
        let norm = pair.query.head * norms.stride(1) + pair.query.token;
        weight = (score.extract(i) * factor(form) - norms[norm]).exp();
        gradient = weight * (product.extract(i) - norms[norms.stride(0) + norm]) * factor(form);
    }
    score.insert(i, weight);
    product.insert(i, gradient);
    scores[register] = score;
    products[register] = product;
}

/// A query and a key.
#[derive(CubeType, Clone, Copy)]
#[expand(derive(Clone, Copy))]
pub(super) struct Pair {
    /// The query.
    pub(super) query: Query,
    /// The key's token.
    pub(super) key: usize,
    /// The token after the last key that exists.
    pub(super) end: usize,
    /// Keys that a query sees, its own included.
    pub(super) window: usize,
}
