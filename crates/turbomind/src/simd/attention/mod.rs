//! Attention of the query rows of one kv head over one part of the keys: scores, softmax, weighted values, merging.
//!
//! A query row is fixed by its own keys alone, in one order of operations: a score adds dimensions in rising order;
//! the sum of the weights runs in 16 lanes, position by position; values are added position by position; parts are
//! merged in rising order. What else shares a call changes nothing, and all is written once over [`Lanes`], so a row
//! has the same bits alone, among others, in any chunk and on any instruction set.

mod encode;
mod merge;
mod scores;
mod softmax;
mod values;
mod widen;

pub(crate) use encode::Encode;
pub(crate) use merge::{Finish, Merge, Rotation, Scale};
pub(crate) use scores::Scores;
pub(crate) use softmax::Softmax;
pub(crate) use values::Values;
pub(crate) use widen::{Side, Widen};

use super::lanes::{LANES, Lanes};

/// Positions of a part; they are fixed so that nothing depends on the number of threads.
pub(crate) const PART: usize = 256;
/// Query rows whose sums are kept in registers.
pub(crate) const ROWS: usize = 4;

/// The query rows of a call: every query head of one kv head for consecutive tokens, token by token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows {
    /// Rows.
    pub(crate) count: usize,
    /// Query heads per kv head: row r belongs to token `r / group`.
    pub(crate) group: usize,
    /// Padded dimensions of a head.
    pub(crate) dim: usize,
    /// Position of the first token.
    pub(crate) position: usize,
    /// First position of the part.
    pub(crate) part_start: usize,
}

impl Rows {
    /// Keys of the part that a row sees: those up to its own position.
    #[inline(always)]
    pub(crate) fn visible(&self, row: usize) -> usize {
        (self.position + row / self.group + 1).saturating_sub(self.part_start).min(PART)
    }

    /// The first row that sees anything of the part.
    #[inline(always)]
    pub(crate) fn first(&self) -> usize {
        (self.part_start.saturating_sub(self.position) * self.group).min(self.count)
    }

    /// Floats of a row's result: the weighted values, then the largest score, the sum of the weights and padding.
    #[inline(always)]
    pub(crate) const fn stride(&self) -> usize {
        self.dim + LANES
    }
}

/// What a vector of keys or values is loaded from.
pub(crate) trait Element: Sized {
    /// Elements of a cache line.
    const PER_LINE: usize;

    /// Sixteen numbers.
    fn load<S: Lanes>(&self, simd: S) -> S::F32;
}

impl Element for [f32; LANES] {
    const PER_LINE: usize = 1;

    #[inline(always)]
    fn load<S: Lanes>(&self, simd: S) -> S::F32 {
        simd.load(self)
    }
}

/// Halves.
impl Element for [u8; 32] {
    const PER_LINE: usize = 2;

    #[inline(always)]
    fn load<S: Lanes>(&self, simd: S) -> S::F32 {
        simd.halves(self)
    }
}

/// Asks for the cache lines of some elements ahead of their use.
#[inline(always)]
fn prefetch<S: Lanes, E: Element>(simd: S, elements: &[E]) {
    elements.iter().step_by(E::PER_LINE).for_each(|element| simd.prefetch(element));
}

/// `x[16 i .. 16 i + 16]`.
#[inline(always)]
fn line(x: &[f32], i: usize) -> &[f32; LANES] {
    &x.as_chunks().0[i]
}

/// `x[16 i .. 16 i + 16]`, to be written.
#[inline(always)]
fn line_mut(x: &mut [f32], i: usize) -> &mut [f32; LANES] {
    &mut x.as_chunks_mut().0[i]
}
