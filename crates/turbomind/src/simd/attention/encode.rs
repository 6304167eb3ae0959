//! [`Encode`]: the key or value of one token as it is stored.

use half::f16;

use super::element::{line, line_mut};
use crate::kv::{KvFormat, Layout, rotate};
use crate::simd::lanes::{Kernel, LANES, Lanes, smallest};

/// Maximum number of dimensions of a head, padding included.
const MAX_DIM: usize = 256;

/// The bytes of one token of one head as the pool stores them.
pub(crate) struct Row {
    codes: [u8; 4 * MAX_DIM],
    code_bytes: usize,
    scales: [[u8; 2]; 2 * MAX_DIM / 32],
    scale_count: usize,
}

impl Row {
    /// Numbers or codes, little-endian.
    pub(crate) fn codes(&self) -> &[u8] {
        &self.codes[..self.code_bytes]
    }

    /// Scale and minimum of each group, as little-endian halves.
    pub(crate) fn scales(&self) -> &[[u8; 2]] {
        &self.scales[..self.scale_count]
    }
}

/// Rounds a vector to the pool's format.
pub(crate) struct Encode<'a> {
    /// The layout of the pool of keys and values.
    pub(crate) layout: &'a Layout,
    /// `[head_dim]`.
    pub(crate) x: &'a [f32],
}

impl Kernel for Encode<'_> {
    type Output = Row;

    #[inline(always)]
    fn run<S: Lanes>(self, simd: S) -> Row {
        let (layout, head_dim) = (self.layout, self.x.len());
        let format = layout.config.format;
        let mut row = Row {
            codes: [0; 4 * MAX_DIM],
            code_bytes: layout.code_bytes(),
            scales: [[0; 2]; 2 * MAX_DIM / 32],
            scale_count: 2 * layout.groups(),
        };
        let mut padded = [0.0; MAX_DIM];
        padded[..head_dim].copy_from_slice(self.x);
        let padded = &mut padded[..layout.dim];
        match format {
            KvFormat::F32 => {
                for (to, x) in row.codes.as_chunks_mut().0.iter_mut().zip(&*padded) {
                    *to = x.to_le_bytes();
                }
            }
            KvFormat::F16 => {
                for (to, x) in row.codes.as_chunks_mut().0.iter_mut().zip(padded.as_chunks().0) {
                    *to = simd.to_halves(simd.load(x));
                }
            }
            KvFormat::Int8 | KvFormat::Int4 | KvFormat::Int4Plain => {
                if format.is_rotated() {
                    rotate(padded);
                } else {
                    // Padding must not widen the range.
                    let last = padded[head_dim - 1];
                    padded[head_dim..].fill(last);
                }
                quantize(simd, layout, padded, &mut row);
            }
        }
        row
    }
}

/// `q = round((x - minimum) / scale)` with scale and minimum as they are stored.
#[inline(always)]
fn quantize<S: Lanes>(simd: S, layout: &Layout, x: &mut [f32], row: &mut Row) {
    let bits = layout.config.format.bits();
    let top = ((1_u32 << bits) - 1) as f32;
    for (group, x) in x.chunks_exact_mut(layout.group).enumerate() {
        let (scale, minimum) = range(simd, x, top);
        row.scales[2 * group] = scale.to_le_bytes();
        row.scales[2 * group + 1] = minimum.to_le_bytes();
        // The codes are computed from the scale that will be read back, which was rounded to a half.
        let scale = scale.to_f32_const();
        let inverse = simd.splat(if scale == 0.0 { 0.0 } else { scale.recip() });
        let minimum = simd.splat(minimum.to_f32_const());
        for i in 0..x.len() / LANES {
            let q = simd.mul(simd.sub(simd.load(line(x, i)), minimum), inverse);
            let q = simd.min(simd.max(q, simd.splat(0.0)), simd.splat(top));
            simd.store(q, line_mut(x, i));
        }
    }
    let lines = x.as_chunks().0;
    let codes = row.codes.as_chunks_mut().0;
    if bits == 8 {
        for (to, x) in codes.iter_mut().zip(lines) {
            *to = simd.to_bytes(simd.load(x));
        }
        return;
    }
    // Dimension i and i + 16 share a byte, so that one vector of bytes gives two vectors of numbers.
    for (to, pair) in codes.iter_mut().zip(lines.as_chunks::<2>().0) {
        let (low, high) = (simd.to_bytes(simd.load(&pair[0])), simd.to_bytes(simd.load(&pair[1])));
        for i in 0..LANES {
            to[i] = low[i] | high[i] << 4;
        }
    }
}

/// Scale and minimum of a run; the scale is NaN when a number is not finite, so that what is read back is NaN, too.
#[inline(always)]
fn range<S: Lanes>(simd: S, x: &[f32], top: f32) -> (f16, f16) {
    let mut low = simd.load(line(x, 0));
    let mut high = low;
    let mut zero = simd.splat(0.0);
    for i in 0..x.len() / LANES {
        let x = simd.load(line(x, i));
        low = simd.min(x, low);
        high = simd.max(x, high);
        // 0 for finite numbers, else NaN: minimum and maximum alone would miss NaN.
        zero = simd.mul_add(x, simd.splat(0.0), zero);
    }
    let (low, high, zero) = (smallest(simd, low), simd.largest(high), simd.sum(zero));
    (f16::from_f32_const((high - low) / top + zero), f16::from_f32_const(low))
}
