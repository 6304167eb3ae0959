//! Attention of a few query rows over blocks of keys, with a running maximum and sum.

use std::ops::Range;

use crate::kernels::buffer::Buffer;
use crate::kernels::gemm::{Matrix, MatrixMut, Target, Threads, multiply};
use crate::kernels::vector::{exp, maximum, sum, vectorized};

/// Tokens whose queries are worked on together.
pub(super) const QUERY_TILE: usize = 64;
/// Keys whose scores are held together.
pub(super) const KEY_BLOCK: usize = 256;

/// Query rows and the state of their running softmax. The heads of one group follow one another: row
/// `head * tokens + token`.
pub(super) struct Tile {
    /// Scaled queries, `[rows, d]`.
    pub(super) q: Buffer,
    /// Sum of weighted values, `[rows, d]`; divided by the sum of weights at the end.
    pub(super) out: Buffer,
    /// One per row.
    running: Vec<Running>,
    scores: Buffer,
    tokens: usize,
    d: usize,
    fresh: bool,
}

/// The softmax of one row over the keys seen so far.
#[derive(Clone, Copy)]
struct Running {
    /// Largest score.
    max: f32,
    /// Sum of `exp(score - max)`.
    total: f32,
}

impl Tile {
    /// An empty tile of `tokens` tokens and `group` heads.
    pub(super) fn new(tokens: usize, group: usize, d: usize) -> Self {
        let rows = tokens * group;
        Self {
            q: Buffer::stale(rows * d),
            out: Buffer::stale(rows * d),
            running: vec![Running { max: f32::NEG_INFINITY, total: 0.0 }; rows],
            scores: Buffer::stale(rows * KEY_BLOCK),
            tokens,
            d,
            fresh: true,
        }
    }

    /// Takes one block of at most [`KEY_BLOCK`] keys and values, `[keys, d]` each; `visible(token)` are the keys of the
    /// block that token sees; beyond the end of the block they do not count.
    pub(super) fn absorb(
        &mut self,
        keys: Matrix<'_>,
        values: Matrix<'_>,
        visible: impl Fn(usize) -> Range<usize>,
    ) {
        let (rows, count) = (self.running.len(), keys.rows());
        let scores = &mut self.scores[..rows * count];
        let q = Matrix::new(&self.q, rows, self.d);
        multiply(MatrixMut::new(scores, rows, count), Target::Set, q, keys.transposed(), 1.0, Threads::One);
        for (row, scores) in scores.chunks_exact_mut(count).enumerate() {
            let seen = clip(visible(row % self.tokens), count);
            let out = &mut self.out[row * self.d..(row + 1) * self.d];
            soften(scores, seen, &mut self.running[row], out, self.fresh);
        }
        let target = if self.fresh { Target::Set } else { Target::Add };
        let weights = Matrix::new(scores, rows, count);
        multiply(MatrixMut::new(&mut self.out, rows, self.d), target, weights, values, 1.0, Threads::One);
        self.fresh = false;
    }

    /// Divides by the sums and hands each row to `take(row, output, log-sum-exp)`.
    pub(super) fn finish(&mut self, mut take: impl FnMut(usize, &[f32], f32)) {
        for (row, out) in self.out.chunks_exact_mut(self.d).enumerate() {
            let Running { max, total } = self.running[row];
            let factor = 1.0 / total;
            out.iter_mut().for_each(|value| *value *= factor);
            take(row, out, max + total.ln());
        }
    }
}

/// The part of a range below `count`.
pub(super) fn clip(range: Range<usize>, count: usize) -> Range<usize> {
    range.start.min(count)..range.end.min(count)
}

vectorized! {
    /// Turns one row of scores into weights relative to the new running maximum and rescales what was summed before.
    fn soften(scores: &mut [f32], seen: Range<usize>, running: &mut Running, out: &mut [f32], fresh: bool) {
        let Running { max, total } = running;
        scores[..seen.start].fill(0.0);
        scores[seen.end..].fill(0.0);
        let seen = &mut scores[seen];
        let new = maximum(seen).max(*max);
        if new == f32::NEG_INFINITY {
            return;
        }
        for score in seen.iter_mut() {
            *score = exp(*score - new);
        }
        let added = sum(seen.len(), |i| seen[i]);
        if !fresh && new > *max {
            let factor = exp(*max - new);
            *total *= factor;
            out.iter_mut().for_each(|value| *value *= factor);
        }
        *total += added;
        *max = new;
    }
}
