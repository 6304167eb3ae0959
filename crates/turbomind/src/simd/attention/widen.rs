//! [`Widen`]: a stored tile as floats.

use crate::kv::{KvFormat, Layout, TILE};
use crate::simd::lanes::{Kernel, LANES, Lanes};

/// Maximum number of scales and minima of a tile: 16 tokens, 8 groups.
const MAX_SCALES: usize = TILE * 2 * 8;

/// Which of the two maps of a pool a tile belongs to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Side {
    /// Keys: `[dim][16 tokens]`.
    Keys,
    /// Values: `[16 tokens][dim]`.
    Values,
}

/// Writes a tile as floats, in the order in which it is stored.
pub(crate) struct Widen<'a> {
    /// The layout of the pool of keys and values.
    pub(crate) layout: &'a Layout,
    /// Whether it is a tile of keys or of values.
    pub(crate) side: Side,
    /// The stored bytes of the tile.
    pub(crate) tile: &'a [u8],
    /// A tile that is needed some tiles later and is fetched meanwhile; may be empty.
    pub(crate) ahead: &'a [u8],
    /// `16 * dim` floats.
    pub(crate) to: &'a mut [f32],
}

impl Kernel for Widen<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, simd: S) {
        self.ahead.chunks(64).for_each(|line| simd.prefetch(&line[0]));
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
            _ if self.side == Side::Keys => keys(simd, self.layout, Quantized { codes, scales }, self.to),
            _ => values(simd, self.layout, Quantized { codes, scales }, self.to),
        }
    }
}

/// The two parts of a quantized tile.
#[derive(Clone, Copy)]
struct Quantized<'a> {
    /// 8 or 4 bits per number.
    codes: &'a [u8],
    /// Scales and minima, as halves.
    scales: &'a [u8],
}

/// Codes with a scale and a minimum per key: both are vectors.
#[inline(always)]
fn keys<S: Lanes>(simd: S, layout: &Layout, tile: Quantized<'_>, to: &mut [f32]) {
    let Quantized { codes, scales } = tile;
    let codes = codes.chunks_exact(codes.len() / layout.groups());
    let to = to.chunks_exact_mut(LANES * layout.group);
    for ((codes, scales), to) in codes.zip(scales.as_chunks::<32>().0.as_chunks().0).zip(to) {
        let [scale, minimum] = scales;
        let step = Step { scale: simd.halves(scale), minimum: simd.halves(minimum) };
        let (codes, to) = (codes.as_chunks().0, to.as_chunks_mut().0);
        if layout.config.format.bits() == 8 {
            for (codes, to) in codes.iter().zip(to) {
                simd.store(step.times(simd, simd.bytes(codes)), to);
            }
            continue;
        }
        for (codes, to) in codes.as_chunks::<LANES>().0.iter().zip(to.as_chunks_mut::<32>().0) {
            let (low, high) = to.split_at_mut(LANES);
            for ((codes, low), high) in codes.iter().zip(low).zip(high) {
                simd.store(step.times(simd, simd.low_nibbles(codes)), low);
                simd.store(step.times(simd, simd.high_nibbles(codes)), high);
            }
        }
    }
}

/// Codes with a scale and a minimum per run of dimensions of a value: both are the same in all lanes.
#[inline(always)]
fn values<S: Lanes>(simd: S, layout: &Layout, tile: Quantized<'_>, to: &mut [f32]) {
    let Quantized { codes, scales } = tile;
    let mut wide = [[0.0; LANES]; MAX_SCALES / LANES];
    for (to, scales) in wide.iter_mut().zip(scales.as_chunks().0) {
        simd.store(simd.halves(scales), to);
    }
    let codes = codes.chunks_exact(codes.len() / TILE / layout.groups());
    let to = to.chunks_exact_mut(layout.group);
    for ((codes, [scale, minimum]), to) in codes.zip(wide.as_flattened().as_chunks().0).zip(to) {
        let step = Step { scale: simd.splat(*scale), minimum: simd.splat(*minimum) };
        let (codes, to) = (codes.as_chunks().0, to.as_chunks_mut().0);
        if layout.config.format.bits() == 8 {
            for (codes, to) in codes.iter().zip(to) {
                simd.store(step.times(simd, simd.bytes(codes)), to);
            }
            continue;
        }
        for (codes, [low, high]) in codes.iter().zip(to.as_chunks_mut().0) {
            simd.store(step.times(simd, simd.low_nibbles(codes)), low);
            simd.store(step.times(simd, simd.high_nibbles(codes)), high);
        }
    }
}

/// The number that a code stands for: `scale * code + minimum`.
struct Step<F> {
    scale: F,
    minimum: F,
}

impl<F: Copy> Step<F> {
    #[inline(always)]
    fn times<S: Lanes<F32 = F>>(&self, simd: S, code: F) -> F {
        simd.mul_add(code, self.scale, self.minimum)
    }
}
