//! [`Scores`]: products of query rows with keys, 16 keys in a vector.

use super::element::{Element, prefetch};
use super::rows::{PART, ROWS, Rows};
use crate::simd::lanes::{Kernel, LANES, Lanes};

/// `scores[row][position in the part] = sum_d q[row][d] * key[d]` for the keys that a row sees and up to 15 after them.
pub(crate) struct Scores<'a, E> {
    /// The query rows of the call.
    pub(crate) rows: Rows,
    /// `[rows][dim]`.
    pub(crate) q: &'a [f32],
    /// Tiles of 16 keys, each `[dim]` elements.
    pub(crate) keys: &'a [&'a [E]],
    /// What is needed a block of four tiles later and is fetched meanwhile: for each tile as many elements, or none.
    pub(crate) ahead: &'a [&'a [E]],
    /// Number of the first of them in the part.
    pub(crate) first_tile: usize,
    /// `[rows][256]`.
    pub(crate) scores: &'a mut [f32],
}

impl<E: Element> Kernel for Scores<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(mut self, simd: S) {
        let mut row = self.rows.first();
        while row < self.rows.count {
            let count = (self.rows.count - row).min(ROWS);
            match count {
                1 => self.tiles::<S, 1>(simd, row),
                2 => self.tiles::<S, 2>(simd, row),
                3 => self.tiles::<S, 3>(simd, row),
                _ => self.tiles::<S, ROWS>(simd, row),
            }
            row += count;
        }
    }
}

impl<E: Element> Scores<'_, E> {
    /// All tiles that the last of `N` rows sees.
    #[inline(always)]
    fn tiles<S: Lanes, const N: usize>(&mut self, simd: S, row: usize) {
        let seen = self.rows.visible(row + N - 1).div_ceil(LANES);
        let end = seen.saturating_sub(self.first_tile).min(self.keys.len());
        let mut tile = 0;
        while tile < end {
            tile += match end - tile {
                4.. if S::WIDTH >= 4 => self.block::<S, N, 4>(simd, row, tile),
                2.. if S::WIDTH >= 2 => self.block::<S, N, 2>(simd, row, tile),
                _ => self.block::<S, N, 1>(simd, row, tile),
            };
        }
    }

    /// `N` rows times `T` tiles.
    #[inline(always)]
    fn block<S: Lanes, const N: usize, const T: usize>(&mut self, simd: S, row: usize, tile: usize) -> usize {
        let dim = self.rows.dim;
        let keys: [&[E]; T] = std::array::from_fn(|t| &self.keys[tile + t][..dim]);
        let q: [&[f32]; N] = std::array::from_fn(|n| &self.q[(row + n) * dim..][..dim]);
        let ahead: [&[E]; T] = std::array::from_fn(|t| self.ahead.get(tile + t).copied().unwrap_or_default());
        let mut sums = [[simd.splat(0.0); T]; N];
        for first in (0..dim).step_by(LANES) {
            // Spread over the loop, so that fetching keeps pace with the arithmetic.
            for ahead in ahead {
                prefetch(simd, ahead.get(first..first + LANES).unwrap_or_default());
            }
            let part = first..first + LANES;
            let keys: [&[E; LANES]; T] = std::array::from_fn(|t| lanes(&keys[t][part.clone()]));
            let q: [&[f32; LANES]; N] = std::array::from_fn(|n| lanes(&q[n][part.clone()]));
            sums = add(simd, sums, keys, q);
        }
        for (n, sums) in sums.iter().enumerate() {
            let start = (row + n) * PART + (self.first_tile + tile) * LANES;
            let scores = self.scores[start..start + T * LANES].as_chunks_mut().0;
            for (sum, scores) in sums.iter().zip(scores) {
                simd.store(*sum, scores);
            }
        }
        T
    }
}

/// Adds the products of 16 dimensions to the sums.
#[inline(always)]
fn add<S: Lanes, E: Element, const N: usize, const T: usize>(
    simd: S,
    mut sums: [[S::F32; T]; N],
    keys: [&[E; LANES]; T],
    q: [&[f32; LANES]; N],
) -> [[S::F32; T]; N] {
    for d in 0..LANES {
        let mut key = [simd.splat(0.0); T];
        for t in 0..T {
            key[t] = keys[t][d].load(simd);
        }
        for n in 0..N {
            let x = simd.splat(q[n][d]);
            for t in 0..T {
                sums[n][t] = simd.mul_add(key[t], x, sums[n][t]);
            }
        }
    }
    sums
}

/// A slice of that length as an array.
#[inline(always)]
fn lanes<X>(x: &[X]) -> &[X; LANES] {
    x.as_array().expect("16 elements")
}
