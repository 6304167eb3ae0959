//! [`Values`]: sums of values with the weights of query rows, 16 dimensions in a vector.

use std::ops::Range;

use super::element::{Element, prefetch};
use super::rows::{PART, ROWS, Rows};
use crate::simd::lanes::{Kernel, LANES, Lanes};

/// `out[row][d] += weights[row][t] * value[t][d]`, `t` rising over the values of these tiles that a row sees; a call
/// with the first tile of the part begins at zero.
pub(crate) struct Values<'a, E> {
    /// The query rows of the call.
    pub(crate) rows: Rows,
    /// `[rows][256]`.
    pub(crate) weights: &'a [f32],
    /// Tiles of 16 values, each `[16][dim / 16]` elements.
    pub(crate) values: &'a [&'a [E]],
    /// What is needed two tiles later and is fetched meanwhile: for each tile as many elements, or none.
    pub(crate) ahead: &'a [&'a [E]],
    /// Number of the first of them in the part.
    pub(crate) first_tile: usize,
    /// `[rows][stride]`; the end of a row is not touched.
    pub(crate) out: &'a mut [f32],
}

impl<E: Element> Kernel for Values<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(mut self, simd: S) {
        let mut row = self.rows.first();
        if self.first_tile == 0 {
            for row in row..self.rows.count {
                self.out[row * self.rows.stride()..][..self.rows.dim].fill(0.0);
            }
        }
        while row < self.rows.count {
            let count = (self.rows.count - row).min(ROWS);
            let common = self.common(row, count);
            // What the last row does not see but an earlier one does.
            for row in row..row + count - 1 {
                let before = self.clip(self.rows.hidden(row)..self.rows.visible(row).min(common.start));
                if !before.is_empty() {
                    self.columns::<S, 1>(simd, row, before);
                }
            }
            match count {
                1 => self.columns::<S, 1>(simd, row, common.clone()),
                2 => self.columns::<S, 2>(simd, row, common.clone()),
                3 => self.columns::<S, 3>(simd, row, common.clone()),
                _ => self.columns::<S, ROWS>(simd, row, common.clone()),
            }
            // What the first row does not see but a later one does.
            for row in row + 1..row + count {
                let rest = self.clip(common.end.max(self.rows.hidden(row))..self.rows.visible(row));
                if !rest.is_empty() {
                    self.columns::<S, 1>(simd, row, rest);
                }
            }
            row += count;
        }
    }
}

impl<E: Element> Values<'_, E> {
    /// Positions that all of some rows see and that are in these tiles; without any, `end` is `start`.
    #[inline(always)]
    fn common(&self, row: usize, count: usize) -> Range<usize> {
        self.clip(self.rows.hidden(row + count - 1)..self.rows.visible(row))
    }

    /// Positions of the part that are also in these tiles.
    #[inline(always)]
    fn clip(&self, positions: Range<usize>) -> Range<usize> {
        let start = positions.start.max(self.first_tile * LANES);
        let end = (self.first_tile + self.values.len()) * LANES;
        start..positions.end.min(end).max(start)
    }

    /// `N` rows over some positions, all dimensions.
    #[inline(always)]
    fn columns<S: Lanes, const N: usize>(&mut self, simd: S, row: usize, positions: Range<usize>) {
        let end = self.rows.dim / LANES;
        let mut column = 0;
        while column < end {
            column += match end - column {
                4.. if S::WIDTH >= 4 => self.block::<S, N, 4>(simd, row, column, positions.clone()),
                2.. if S::WIDTH >= 2 => self.block::<S, N, 2>(simd, row, column, positions.clone()),
                _ => self.block::<S, N, 1>(simd, row, column, positions.clone()),
            };
        }
    }

    /// `N` rows times `C` vectors of dimensions.
    #[inline(always)]
    fn block<S: Lanes, const N: usize, const C: usize>(
        &mut self,
        simd: S,
        row: usize,
        column: usize,
        positions: Range<usize>,
    ) -> usize {
        let (stride, columns) = (self.rows.stride(), self.rows.dim / LANES);
        let mut sums = [[simd.splat(0.0); C]; N];
        for (n, sums) in sums.iter_mut().enumerate() {
            let out = self.out[(row + n) * stride + column * LANES..].as_chunks().0;
            for (sum, out) in sums.iter_mut().zip(out) {
                *sum = simd.load(out);
            }
        }
        let mut position = positions.start;
        while position < positions.end {
            let (tile, slot) = (position / LANES - self.first_tile, position % LANES);
            let end = positions.end.min(position - slot + LANES);
            let values = Run { elements: &self.values[tile][slot * columns..], columns, first: column };
            if column == 0 {
                prefetch(simd, self.ahead.get(tile).copied().unwrap_or_default());
            }
            let weights: [&[f32]; N] =
                std::array::from_fn(|n| &self.weights[(row + n) * PART + position..][..end - position]);
            sums = add(simd, sums, weights, values);
            position = end;
        }
        for (n, sums) in sums.iter().enumerate() {
            let out = self.out[(row + n) * stride + column * LANES..].as_chunks_mut().0;
            for (sum, out) in sums.iter().zip(out) {
                simd.store(*sum, out);
            }
        }
        C
    }
}

/// The values of up to 16 consecutive positions of a tile.
#[derive(Clone, Copy)]
struct Run<'a, E> {
    /// `[positions][columns]`.
    elements: &'a [E],
    /// Elements of one position.
    columns: usize,
    /// First element of each position that counts.
    first: usize,
}

/// Adds the values of as many positions as there are weights, `C` elements of each.
#[inline(always)]
fn add<S: Lanes, E: Element, const N: usize, const C: usize>(
    simd: S,
    mut sums: [[S::F32; C]; N],
    weights: [&[f32]; N],
    values: Run<'_, E>,
) -> [[S::F32; C]; N] {
    let count = weights[0].len();
    let weights: [&[f32]; N] = weights.map(|weights| &weights[..count]);
    for (position, elements) in values.elements.chunks_exact(values.columns).take(count).enumerate() {
        let values = &elements[values.first..values.first + C];
        let mut value = [simd.splat(0.0); C];
        for c in 0..C {
            value[c] = values[c].load(simd);
        }
        for n in 0..N {
            let weight = simd.splat(weights[n][position]);
            for c in 0..C {
                sums[n][c] = simd.mul_add(value[c], weight, sums[n][c]);
            }
        }
    }
    sums
}
