//! [`Scale`], [`Merge`] and [`Finish`]: query rows before the first part, between parts, after the last.

use super::element::{line, line_mut};
use super::rows::Rows;
use crate::kv::rotate;
use crate::simd::lanes::{Kernel, LANES, Lanes, exp2};

/// Whether keys and values are rotated.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Rotation {
    /// Stored as they are.
    None,
    /// Rotated by [`rotate`] before they were rounded.
    Hadamard,
}

/// Pads the heads of one token with zeros, rotates them as the keys are, and multiplies them by a factor.
pub(crate) struct Scale<'a> {
    /// `[heads][head_dim]`.
    pub(crate) x: &'a [f32],
    /// Dimensions of a head.
    pub(crate) head_dim: usize,
    /// Padded dimensions of a head.
    pub(crate) dim: usize,
    /// The factor that every number is multiplied by.
    pub(crate) factor: f32,
    /// The rotation of the keys.
    pub(crate) rotation: Rotation,
    /// `[heads][dim]`.
    pub(crate) to: &'a mut [f32],
}

impl Kernel for Scale<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, _: S) {
        for (x, to) in self.x.chunks_exact(self.head_dim).zip(self.to.chunks_exact_mut(self.dim)) {
            let (to_head, padding) = to.split_at_mut(self.head_dim);
            to_head.copy_from_slice(x);
            padding.fill(0.0);
            if self.rotation == Rotation::Hadamard {
                rotate(to);
            }
            to.iter_mut().for_each(|x| *x *= self.factor);
        }
    }
}

/// Adds the results of a part to those of the parts before it, for the rows that see the part:
/// `M = max(m, m')`, `l = l 2^(m - M) + l' 2^(m' - M)`, and the values likewise.
pub(crate) struct Merge<'a> {
    /// The rows, with the start of the part.
    pub(crate) rows: Rows,
    /// `[rows][stride]`, the parts before.
    pub(crate) state: &'a mut [f32],
    /// `[rows][stride]`, the part.
    pub(crate) part: &'a [f32],
}

impl Kernel for Merge<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, simd: S) {
        let (dim, stride) = (self.rows.dim, self.rows.stride());
        for row in self.rows.first()..self.rows.count {
            let state = &mut self.state[row * stride..][..stride];
            let part = &self.part[row * stride..][..stride];
            if self.rows.first_key(row) >= self.rows.part_start {
                // The row's window begins here: what the state holds of the parts before is nothing.
                state.copy_from_slice(part);
                continue;
            }
            let max = if part[dim] > state[dim] { part[dim] } else { state[dim] };
            let factor = [exp2(simd, simd.splat(state[dim] - max)), exp2(simd, simd.splat(part[dim] - max))];
            // The sum of the weights is in the vector after the values, and is merged by the same rule.
            for i in 0..=dim / LANES {
                let added = simd.mul(simd.load(line(part, i)), factor[1]);
                let line = line_mut(state, i);
                simd.store(simd.mul_add(simd.load(line), factor[0], added), line);
            }
            state[dim] = max;
        }
    }
}

/// Divides by the sum of the weights and undoes the rotation of the values, for the heads of one token.
pub(crate) struct Finish<'a> {
    /// `[heads][stride]`; the values are overwritten.
    pub(crate) state: &'a mut [f32],
    /// Padded dimensions of a head.
    pub(crate) dim: usize,
    /// The rotation of the values, which is undone.
    pub(crate) rotation: Rotation,
    /// Dimensions of a head.
    pub(crate) head_dim: usize,
    /// `[heads][head_dim]`.
    pub(crate) out: &'a mut [f32],
}

impl Kernel for Finish<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, _: S) {
        let heads = self.state.chunks_exact_mut(self.dim + LANES);
        for (state, out) in heads.zip(self.out.chunks_exact_mut(self.head_dim)) {
            let (values, end) = state.split_at_mut(self.dim);
            let inverse = end[1].recip();
            values.iter_mut().for_each(|x| *x *= inverse);
            if self.rotation == Rotation::Hadamard {
                rotate(values);
            }
            out.copy_from_slice(&values[..self.head_dim]);
        }
    }
}
