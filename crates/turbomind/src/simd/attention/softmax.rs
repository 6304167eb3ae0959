//! [`Softmax`]: scores to weights `2^(score - largest)`.

use std::ops::Range;

use super::element::{line, line_mut};
use super::rows::{PART, Rows};
use crate::simd::lanes::{Kernel, LANES, Lanes, exp2};

/// Replaces the scores that a row sees by weights and puts the largest score and the sum of the weights after the
/// row's result. Scores are in units of ln 2. What a row does not see, NaN included, changes nothing.
pub(crate) struct Softmax<'a> {
    /// The query rows of the call.
    pub(crate) rows: Rows,
    /// `[rows][256]`.
    pub(crate) scores: &'a mut [f32],
    /// `[rows][stride]`; only the end of a row is written.
    pub(crate) out: &'a mut [f32],
}

impl Kernel for Softmax<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, simd: S) {
        for row in self.rows.first()..self.rows.count {
            let visible = self.rows.visible(row);
            let scores = &mut self.scores[row * PART..][..visible.next_multiple_of(LANES)];
            let (max, sum) = weights(simd, scores, self.rows.hidden(row)..visible);
            let end = &mut self.out[row * self.rows.stride() + self.rows.dim..][..2];
            end.copy_from_slice(&[max, sum]);
        }
    }
}

/// Largest score and sum of the weights of the scores in `seen`; minus infinity and 0 when it is empty.
#[inline(always)]
fn weights<S: Lanes>(simd: S, scores: &mut [f32], seen: Range<usize>) -> (f32, f32) {
    let lowest = simd.splat(f32::NEG_INFINITY);
    let mut max = lowest;
    for i in 0..scores.len() / LANES {
        max = simd.max(keep(simd, simd.load(line(scores, i)), i * LANES, &seen, lowest), max);
    }
    let max = simd.largest(max);
    let mut sums = simd.splat(0.0);
    for i in 0..scores.len() / LANES {
        let line = line_mut(scores, i);
        let weight = exp2(simd, simd.sub(simd.load(line), simd.splat(max)));
        let weight = keep(simd, weight, i * LANES, &seen, simd.splat(0.0));
        sums = simd.add(sums, weight);
        simd.store(weight, line);
    }
    (max, simd.sum(sums))
}

/// The lanes of `x` whose numbers, counted from `start`, are in `seen`, and those of `rest` elsewhere.
#[inline(always)]
fn keep<S: Lanes>(simd: S, x: S::F32, start: usize, seen: &Range<usize>, rest: S::F32) -> S::F32 {
    let x = simd.keep_first(x, seen.end - start, rest);
    if seen.start <= start {
        return x;
    }
    simd.keep_first(rest, seen.start - start, x)
}
