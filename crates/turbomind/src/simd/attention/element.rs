//! [`Element`]: what a vector of keys or values is loaded from, and lines of sixteen floats.

use crate::simd::lanes::{LANES, Lanes};

/// What a vector of keys or values is loaded from.
pub(crate) trait Element: Sized {
    /// Number of elements of a cache line.
    const PER_LINE: usize;

    /// Loads sixteen numbers.
    fn load<S: Lanes>(&self, simd: S) -> S::F32;
}

impl Element for [f32; LANES] {
    const PER_LINE: usize = 1;

    #[inline(always)]
    fn load<S: Lanes>(&self, simd: S) -> S::F32 {
        simd.load(self)
    }
}

/// Sixteen halves, little-endian.
impl Element for [u8; 32] {
    const PER_LINE: usize = 2;

    #[inline(always)]
    fn load<S: Lanes>(&self, simd: S) -> S::F32 {
        simd.halves(self)
    }
}

/// Fetches the cache lines of some elements ahead of their use.
#[inline(always)]
pub(super) fn prefetch<S: Lanes, E: Element>(simd: S, elements: &[E]) {
    elements.iter().step_by(E::PER_LINE).for_each(|element| simd.prefetch(element));
}

/// `x[16 i .. 16 i + 16]`.
#[inline(always)]
pub(super) fn line(x: &[f32], i: usize) -> &[f32; LANES] {
    &x.as_chunks().0[i]
}

/// `x[16 i .. 16 i + 16]`, to be written.
#[inline(always)]
pub(super) fn line_mut(x: &mut [f32], i: usize) -> &mut [f32; LANES] {
    &mut x.as_chunks_mut().0[i]
}
