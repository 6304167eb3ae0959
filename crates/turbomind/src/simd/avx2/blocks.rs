//! 8-bit activations times integer weights: a block is unpacked once, then met by every row.
//!
//! Accumulators stay in the output, which the rows of one sweep keep in the first-level cache; blocks are added in
//! rising order.

use std::arch::x86_64::*;
use std::ops::Range;

use super::tile::{AHEAD, Tile, Weights};
use crate::panel::BlockScale;
use crate::simd::product::{Blocks, rows_of};
use crate::tile::{BLOCK, GROUP};

/// Number of rows that share a sweep over the records: their outputs and one block of their activations fit in 32 KB.
const SWEEP: usize = 128;

/// Number of rows that share the loads of the weights.
const TOGETHER: usize = 4;

/// A way to multiply unsigned with signed bytes.
pub(super) trait Dot {
    /// For `H` halves of the outputs and `R` rows `sum_j sum_i u(n, 4 j + i) q(4 j + i)` for 8 outputs, j in `part`.
    ///
    /// # Safety
    /// The features of the implementation are enabled in the caller; 32 bytes can be read at each of `q`.
    unsafe fn dots<T: Tile, const H: usize, const R: usize>(
        weights: &[Weights; H],
        part: Range<usize>,
        q: [*const i8; R],
    ) -> [[__m256i; R]; H];
}

/// AVX-VNNI: `vpdpbusd`, exact for all bytes.
pub(super) struct Vnni;

/// AVX2: `vpmaddubsw`, whose 16-bit sums are exact while `2 p u |q| <= 32767` for p sums of pairs, so that 4, 5 and 6
/// bits allow p = 8, 4 and 2. 8 bits are taken as two times 4.
pub(super) struct MultiplyAdd;

impl Dot for Vnni {
    #[inline(always)]
    unsafe fn dots<T: Tile, const H: usize, const R: usize>(
        weights: &[Weights; H],
        part: Range<usize>,
        q: [*const i8; R],
    ) -> [[__m256i; R]; H] {
        // SAFETY: by the caller's promise.
        unsafe {
            let mut dots = [[_mm256_setzero_si256(); R]; H];
            for j in part {
                for r in 0..R {
                    let q = four(q[r].add(4 * j));
                    for h in 0..H {
                        dots[h][r] = _mm256_dpbusd_avx_epi32(dots[h][r], weights[h].values[j], q);
                    }
                }
            }
            dots
        }
    }
}

impl Dot for MultiplyAdd {
    #[inline(always)]
    unsafe fn dots<T: Tile, const H: usize, const R: usize>(
        weights: &[Weights; H],
        part: Range<usize>,
        q: [*const i8; R],
    ) -> [[__m256i; R]; H] {
        // SAFETY: by the caller's promise.
        unsafe {
            let one = _mm256_set1_epi16(1);
            let mut dots = [[_mm256_setzero_si256(); R]; H];
            if T::BITS == 8 {
                for h in 0..H {
                    // sum (u & 15) q + 16 sum (u >> 4) q; each sum of 8 pairs is exact in 16 bits.
                    let [low, high] = nibbles(&weights[h].values);
                    let [low, high] = short_sums([&low, &high], part.clone(), q);
                    for r in 0..R {
                        let high = _mm256_madd_epi16(high[r], _mm256_set1_epi16(16));
                        dots[h][r] = _mm256_add_epi32(_mm256_madd_epi16(low[r], one), high);
                    }
                }
                return dots;
            }
            let pairs = 1 << (7 - T::BITS);
            let mut first = part.start;
            while first < part.end {
                let mut values = [&weights[0].values; H];
                for h in 0..H {
                    values[h] = &weights[h].values;
                }
                let sums = short_sums(values, first..part.end.min(first + pairs), q);
                for h in 0..H {
                    for r in 0..R {
                        dots[h][r] = _mm256_add_epi32(dots[h][r], _mm256_madd_epi16(sums[h][r], one));
                    }
                }
                first += pairs;
            }
            dots
        }
    }
}

/// The lower and the upper four bits of every byte.
///
/// # Safety
/// AVX2 is enabled in the caller.
#[inline(always)]
unsafe fn nibbles(bytes: &[__m256i; 8]) -> [[__m256i; 8]; 2] {
    // SAFETY: no memory is touched.
    unsafe {
        let nibble = _mm256_set1_epi8(15);
        let (mut low, mut high) = (*bytes, *bytes);
        for j in 0..8 {
            low[j] = _mm256_and_si256(low[j], nibble);
            high[j] = _mm256_and_si256(_mm256_srli_epi16::<4>(high[j]), nibble);
        }
        [low, high]
    }
}

/// Sums of products of pairs in 16 bits, for each of `W` weights and `R` rows.
///
/// # Safety
/// AVX2 is enabled in the caller; 32 bytes can be read at each of `q`.
#[inline(always)]
unsafe fn short_sums<const W: usize, const R: usize>(
    weights: [&[__m256i; 8]; W],
    part: Range<usize>,
    q: [*const i8; R],
) -> [[__m256i; R]; W] {
    // SAFETY: by the caller's promise.
    unsafe {
        let mut sums = [[_mm256_setzero_si256(); R]; W];
        for j in part {
            for r in 0..R {
                let q = four(q[r].add(4 * j));
                for w in 0..W {
                    sums[w][r] = _mm256_add_epi16(sums[w][r], _mm256_maddubs_epi16(weights[w][j], q));
                }
            }
        }
        sums
    }
}

/// Four activations in every output's place.
///
/// # Safety
/// AVX2 is enabled in the caller; 4 bytes can be read.
#[inline(always)]
unsafe fn four(q: *const i8) -> __m256i {
    // SAFETY: by the caller's promise.
    unsafe { _mm256_set1_epi32(q.cast::<i32>().read_unaligned()) }
}

/// Multiplies every row with every group, block by block.
///
/// # Safety
/// The features of `T` and `D` are enabled in the caller, and the lengths agree as `check_blocks` says.
#[inline(always)]
pub(super) unsafe fn multiply<T: Tile, D: Dot>(call: &Blocks<'_>, out: &mut [[f32; GROUP]]) {
    let panel = call.panel;
    let rows = rows_of(call.groups, out).len();
    let per_record = T::FORMAT.step() / BLOCK;
    let group_bytes = T::FORMAT.group_bytes(panel.blocks * BLOCK);
    for (group, out) in out.chunks_exact_mut(rows.max(1)).enumerate() {
        for (sweep, out) in out.chunks_mut(SWEEP).enumerate() {
            out.fill([0.0; GROUP]);
            for block in 0..panel.blocks {
                let place = block * panel.rows + call.first_row + sweep * SWEEP;
                // SAFETY: `group < groups` and `block < panel.blocks`, and `place` is a row of the panel, so all
                // three pointers stay inside of their checked slices; prefetching touches nothing.
                unsafe {
                    let record = call.tiles.as_ptr().add(group * group_bytes);
                    let record = record.add(block / per_record * T::FORMAT.record_bytes());
                    let rows = Rows {
                        values: panel.values.as_ptr().add(place * BLOCK),
                        scales: panel.scales.as_ptr().add(place),
                    };
                    prefetch::<T>(record, block % per_record);
                    let (low, high) =
                        (T::unpack(record, block % per_record, 0), T::unpack(record, block % per_record, 1));
                    if T::BITS == 4 {
                        add_rows::<T, D, 2>(&[low, high], rows, out, 0);
                    } else {
                        add_rows::<T, D, 1>(&[low], rows, out, 0);
                        add_rows::<T, D, 1>(&[high], rows, out, 1);
                    }
                }
            }
        }
    }
}

/// Fetches the records [`AHEAD`] bytes later.
#[inline(always)]
fn prefetch<T: Tile>(record: *const u8, block: usize) {
    let bytes = T::FORMAT.record_bytes() / (T::FORMAT.step() / BLOCK);
    for line in 0..bytes.div_ceil(64) {
        let place = record.wrapping_add(AHEAD + block * bytes + 64 * line);
        // SAFETY: a prefetch of any address is allowed.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(place.cast()) };
    }
}

/// One block of some consecutive rows of a panel.
#[derive(Clone, Copy)]
struct Rows {
    /// `[rows][32]`.
    values: *const i8,
    /// `[rows]`.
    scales: *const BlockScale,
}

impl Rows {
    /// The rows from `count` on.
    ///
    /// # Safety
    /// There are so many rows.
    #[inline(always)]
    unsafe fn after(self, count: usize) -> Self {
        // SAFETY: by the caller's promise.
        unsafe { Self { values: self.values.add(count * BLOCK), scales: self.scales.add(count) } }
    }
}

/// Adds one block to outputs `8 first .. 8 (first + H)` of every row.
///
/// # Safety
/// The features of `T` and `D` are enabled in the caller; `rows` has as many rows as `out`; `first + H` is 1 or 2.
#[inline(always)]
unsafe fn add_rows<T: Tile, D: Dot, const H: usize>(
    weights: &[Weights; H],
    rows: Rows,
    out: &mut [[f32; GROUP]],
    first: usize,
) {
    let (together, rest) = out.as_chunks_mut::<TOGETHER>();
    let mut row = 0;
    // SAFETY: by the caller's promise, row after row.
    unsafe {
        for out in together {
            add_block::<T, D, H, TOGETHER>(weights, rows.after(row), out, first);
            row += TOGETHER;
        }
        for out in rest.as_chunks_mut::<1>().0 {
            add_block::<T, D, H, 1>(weights, rows.after(row), out, first);
            row += 1;
        }
    }
}

/// Adds one block to the outputs of `R` rows.
///
/// # Safety
/// As [`add_rows`].
#[inline(always)]
unsafe fn add_block<T: Tile, D: Dot, const H: usize, const R: usize>(
    weights: &[Weights; H],
    rows: Rows,
    out: &mut [[f32; GROUP]; R],
    first: usize,
) {
    // SAFETY: by the caller's promise; 8 floats at `8 (first + h)` are inside of the 16 of a row.
    unsafe {
        let mut q = [rows.values; R];
        for (r, q) in q.iter_mut().enumerate() {
            *q = rows.values.add(r * BLOCK);
        }
        let dots = if T::HALVES {
            [D::dots::<T, H, R>(weights, 0..4, q), D::dots::<T, H, R>(weights, 4..8, q)]
        } else {
            [D::dots::<T, H, R>(weights, 0..8, q); 2]
        };
        for r in 0..R {
            let block = &*rows.scales.add(r);
            let s = _mm256_broadcast_ss(&block.scale);
            let sums = if T::HALVES { [&block.low, &block.high] } else { [&block.sum; 2] };
            for h in 0..H {
                let out = out[r].as_mut_ptr().add(8 * (first + h));
                let mut sum = _mm256_loadu_ps(out);
                for part in 0..if T::HALVES { 2 } else { 1 } {
                    let scale = _mm256_mul_ps(weights[h].scale[part], s);
                    sum = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dots[part][h][r]), scale, sum);
                    sum = _mm256_fmadd_ps(weights[h].offset[part], _mm256_broadcast_ss(sums[part]), sum);
                }
                _mm256_storeu_ps(out, sum);
            }
        }
    }
}
