//! [`Widen`]: a stored tile as floats.

use half::f16;

use super::{LANES, line_mut};
use crate::kv::{KvFormat, Layout, TILE};
use crate::simd::lanes::{Kernel, Lanes};

/// Which tiles.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Side {
    /// Keys: `[dim][16 tokens]`.
    Keys,
    /// Values: `[16 tokens][dim]`.
    Values,
}

/// Writes a tile as floats, in the order in which it is stored.
pub(crate) struct Widen<'a> {
    /// The pool's layout.
    pub(crate) layout: &'a Layout,
    /// Keys or values.
    pub(crate) side: Side,
    /// The tile.
    pub(crate) tile: &'a [u8],
    /// `16 * dim` floats.
    pub(crate) to: &'a mut [f32],
}

impl Kernel for Widen<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, simd: S) {
        let (codes, scales) = self.tile.split_at(TILE * self.layout.code_bytes());
        match self.layout.config.format {
            KvFormat::F32 => {
                for (to, bytes) in self.to.iter_mut().zip(codes.as_chunks::<4>().0) {
                    *to = f32::from_le_bytes(*bytes);
                }
            }
            KvFormat::F16 => {
                for (to, bytes) in self.to.as_chunks_mut().0.iter_mut().zip(codes.as_chunks().0) {
                    simd.store(simd.halves(bytes), to);
                }
            }
            _ if self.side == Side::Keys => keys(simd, self.layout, (codes, scales), self.to),
            _ => values(simd, self.layout, (codes, scales), self.to),
        }
    }
}

/// Codes with a scale and a minimum per key: both are vectors.
#[inline(always)]
fn keys<S: Lanes>(simd: S, layout: &Layout, (codes, scales): (&[u8], &[u8]), to: &mut [f32]) {
    let lines = codes.as_chunks::<LANES>().0;
    for (group, scales) in scales.as_chunks::<64>().0.iter().enumerate() {
        let (scale, minimum) = (simd.halves(half(scales, 0)), simd.halves(half(scales, 1)));
        let dims = group * layout.group..(group + 1) * layout.group;
        if layout.config.format.bits() == 8 {
            for d in dims {
                simd.store(simd.mul_add(simd.bytes(&lines[d]), scale, minimum), line_mut(to, d));
            }
            continue;
        }
        for first in dims.step_by(32) {
            for i in 0..LANES {
                let codes = &lines[first / 2 + i];
                let low = simd.mul_add(simd.low_nibbles(codes), scale, minimum);
                let high = simd.mul_add(simd.high_nibbles(codes), scale, minimum);
                simd.store(low, line_mut(to, first + i));
                simd.store(high, line_mut(to, first + LANES + i));
            }
        }
    }
}

/// Codes with a scale and a minimum per run of dimensions of a value: both are the same in all lanes.
#[inline(always)]
fn values<S: Lanes>(simd: S, layout: &Layout, (codes, scales): (&[u8], &[u8]), to: &mut [f32]) {
    let groups = layout.dim / layout.group;
    let run_bytes = layout.code_bytes() / groups;
    let scales = scales.as_chunks::<4>().0;
    for (run, codes) in codes.chunks_exact(run_bytes).enumerate() {
        let [a, b, c, d] = scales[run];
        let scale = simd.splat(f16::from_le_bytes([a, b]).to_f32_const());
        let minimum = simd.splat(f16::from_le_bytes([c, d]).to_f32_const());
        let to = &mut to[run * layout.group..][..layout.group];
        for (i, codes) in codes.as_chunks::<LANES>().0.iter().enumerate() {
            if layout.config.format.bits() == 8 {
                simd.store(simd.mul_add(simd.bytes(codes), scale, minimum), line_mut(to, i));
            } else {
                let low = simd.mul_add(simd.low_nibbles(codes), scale, minimum);
                let high = simd.mul_add(simd.high_nibbles(codes), scale, minimum);
                simd.store(low, line_mut(to, 2 * i));
                simd.store(high, line_mut(to, 2 * i + 1));
            }
        }
    }
}

/// Half number `i` of 64 bytes.
#[inline(always)]
fn half(bytes: &[u8; 64], i: usize) -> &[u8; 32] {
    &bytes.as_chunks().0[i]
}
