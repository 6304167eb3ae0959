//! The backward pass: scores are made again from the saved log-sum-exp.
//!
//! With P = exp(S - lse), D = rowsum(dO * O): `dV = P^T dO`, `dS = P * (dO V^T - D)`, `dQ = dS K`, `dK = dS^T Q`
//! (FlashAttention-2, algorithm 2). One task owns one kv head of one sequence, so every sum has a fixed order.

use std::ops::Range;

use rayon::prelude::*;

use super::layout::HeadLayout;
use super::mask::Mask;
use super::tile::{KEY_BLOCK, QUERY_TILE, clip};
use crate::kernels::buffer::Buffer;
use crate::kernels::gemm::{Matrix, MatrixMut, Target, Threads, multiply};
use crate::kernels::vector::{dot, exp, vectorized};
use crate::positions::Run;

/// What the forward pass left, and the gradient of its output.
#[derive(Clone, Copy)]
pub(crate) struct OutputGradient<'a> {
    /// The output, `[T, heads * d]`.
    pub(crate) out: &'a [f32],
    /// Log-sum-exp, `[T, heads]`.
    pub(crate) log_sums: &'a [f32],
    /// Gradient of the output, `[T, heads * d]`.
    pub(crate) gradient: &'a [f32],
}

/// Writes the gradient of the rotated projection, group-major like `groups`.
pub(crate) fn backward(
    groups: &[f32],
    layout: HeadLayout,
    mask: &Mask,
    output: OutputGradient<'_>,
    dgroups: &mut [f32],
) {
    let width = layout.group_width();
    let mut tasks = Vec::new();
    let (mut rest, mut start) = (dgroups, 0);
    for group in 0..layout.kv_heads {
        let mut sequence = 0;
        for run in mask.positions.runs() {
            let (target, tail) = rest.split_at_mut(run.tokens * width);
            let source = &groups[start..start + run.tokens * width];
            tasks.push((Sequence { layout, group, first: sequence, run: *run, mask, slab: source }, target));
            (rest, start, sequence) = (tail, start + run.tokens * width, sequence + run.tokens);
        }
    }
    tasks.into_par_iter().for_each(|(sequence, target)| sequence.backward(output, target));
}

/// One kv head of one sequence.
struct Sequence<'a> {
    layout: HeadLayout,
    group: usize,
    /// First row of the sequence in the packed row.
    first: usize,
    run: Run,
    mask: &'a Mask,
    /// Its rows of the rotated projection, `[tokens, (group + 2) d]`.
    slab: &'a [f32],
}

/// Queries and output gradients of one tile, rows `head * tokens + token`.
struct QueryTile {
    /// First token, counted in the sequence.
    first: usize,
    tokens: usize,
    q: Buffer,
    dout: Buffer,
    dq: Buffer,
    /// Whether `dq` holds nothing yet.
    fresh: bool,
    rows: Vec<RowSums>,
}

/// What the backward pass of softmax needs to know about one row.
#[derive(Clone, Copy)]
struct RowSums {
    /// Log-sum-exp of the scores.
    log_sum: f32,
    /// D of FlashAttention: the inner product of output and output gradient.
    inner: f32,
}

/// Memory for one tile's scores and their gradients, used again for every block of keys.
struct Scratch {
    p: Buffer,
    ds: Buffer,
}

impl Sequence<'_> {
    fn backward(&self, output: OutputGradient<'_>, target: &mut [f32]) {
        target.fill(0.0);
        let (d, heads, width) = (self.layout.d, self.layout.group(), self.layout.group_width());
        let scores = heads * QUERY_TILE * KEY_BLOCK;
        let mut scratch = Scratch { p: Buffer::stale(scores), ds: Buffer::stale(scores) };
        for first in (0..self.run.tokens).step_by(QUERY_TILE) {
            let mut tile = self.load(first, QUERY_TILE.min(self.run.tokens - first), output);
            let unseen = self.mask.first_key(first) / KEY_BLOCK * KEY_BLOCK;
            for start in (unseen..first + tile.tokens).step_by(KEY_BLOCK) {
                let count = KEY_BLOCK.min(first + tile.tokens - start);
                self.block(&mut tile, start, count, &mut scratch, target);
            }
            for (row, dq) in tile.dq.chunks_exact(d).enumerate() {
                let (head, token) = (row / tile.tokens, first + row % tile.tokens);
                target[token * width + head * d..][..d].copy_from_slice(dq);
            }
        }
    }

    fn load(&self, first: usize, tokens: usize, output: OutputGradient<'_>) -> QueryTile {
        let (d, heads, width) = (self.layout.d, self.layout.group(), self.layout.group_width());
        let rows = heads * tokens;
        let mut tile = QueryTile {
            first,
            tokens,
            q: Buffer::stale(rows * d),
            dout: Buffer::stale(rows * d),
            dq: Buffer::stale(rows * d),
            fresh: true,
            rows: Vec::with_capacity(rows),
        };
        for row in 0..rows {
            let (head, token) = (row / tokens, first + row % tokens);
            tile.q[row * d..][..d].copy_from_slice(&self.slab[token * width + head * d..][..d]);
            let column = (self.first + token) * self.layout.heads + self.group * heads + head;
            let gradient = &output.gradient[column * d..][..d];
            tile.dout[row * d..][..d].copy_from_slice(gradient);
            let inner = inner_product(gradient, &output.out[column * d..][..d]);
            tile.rows.push(RowSums { log_sum: output.log_sums[column], inner });
        }
        tile
    }

    /// The share of keys `start .. start + count` in all gradients of one tile of queries.
    fn block(
        &self,
        tile: &mut QueryTile,
        start: usize,
        count: usize,
        scratch: &mut Scratch,
        target: &mut [f32],
    ) {
        let (d, heads, width) = (self.layout.d, self.layout.group(), self.layout.group_width());
        let rows = tile.rows.len();
        let block = &self.slab[start * width + heads * d..];
        let (k, v) = (Matrix::strided(block, count, d, width), Matrix::strided(&block[d..], count, d, width));
        let (p, ds) = (&mut scratch.p[..rows * count], &mut scratch.ds[..rows * count]);
        let (q, dout) = (Matrix::new(&tile.q, rows, d), Matrix::new(&tile.dout, rows, d));
        multiply(MatrixMut::new(p, rows, count), Target::Set, q, k.transposed(), 1.0, Threads::One);
        multiply(MatrixMut::new(ds, rows, count), Target::Set, dout, v.transposed(), 1.0, Threads::One);
        for (row, (p, ds)) in p.chunks_exact_mut(count).zip(ds.chunks_exact_mut(count)).enumerate() {
            let seen = clip(self.mask.seen(tile.first + row % tile.tokens, start), count);
            score_gradient(p, ds, seen, tile.rows[row]);
        }
        let (p, ds) = (Matrix::new(p, rows, count), Matrix::new(ds, rows, count));
        let mut add = |offset: usize, a: Matrix<'_>, b: Matrix<'_>| {
            let c = MatrixMut::strided(&mut target[start * width + offset..], count, d, width);
            multiply(c, Target::Add, a, b, 1.0, Threads::One);
        };
        add(heads * d, ds.transposed(), q);
        add((heads + 1) * d, p.transposed(), dout);
        let into = if tile.fresh { Target::Set } else { Target::Add };
        tile.fresh = false;
        multiply(MatrixMut::new(&mut tile.dq, rows, d), into, ds, k, 1.0, Threads::One);
    }
}

vectorized! {
    /// Scores to weights and `dO V^T` to score gradients, in place; keys that are not seen get zeros.
    fn score_gradient(p: &mut [f32], ds: &mut [f32], seen: Range<usize>, row: RowSums) {
        let RowSums { log_sum, inner } = row;
        for (p, ds) in p[seen.clone()].iter_mut().zip(&mut ds[seen.clone()]) {
            *p = exp(*p - log_sum);
            *ds = *p * (*ds - inner);
        }
        for hidden in [0..seen.start, seen.end..p.len()] {
            p[hidden.clone()].fill(0.0);
            ds[hidden].fill(0.0);
        }
    }

    fn inner_product(a: &[f32], b: &[f32]) -> f32 {
        dot(a, b)
    }
}
