//! 8-bit activations times integer weights: a block is unpacked once, then met by every row.
//!
//! Accumulators stay in the output, which the rows of one sweep keep in the first-level cache; blocks are added in
//! rising order.

use std::arch::x86_64::*;

use super::tile::{AHEAD, Tile, Weights};
use crate::panel::BlockScale;
use crate::simd::product::{Blocks, rows_of};
use crate::tile::{BLOCK, GROUP};

/// Number of rows that share a sweep over the records: their outputs and one block of their activations fit in 32 KB.
const SWEEP: usize = 128;

/// A way to multiply unsigned with signed bytes.
pub(super) trait Dot {
    /// `sum_j sum_i u(n, 4 j + i) q(4 j + i)` for 8 outputs; `values[j]` holds `u(n, 4 j + i)` in byte `4 n + i`.
    ///
    /// # Safety
    /// The features of the implementation are enabled in the caller; `4 * values.len()` bytes can be read at `q`.
    unsafe fn dot<T: Tile>(values: &[__m256i], q: *const i8) -> __m256i;
}

/// AVX-VNNI: `vpdpbusd`, exact for all bytes.
pub(super) struct Vnni;

/// AVX2: `vpmaddubsw`, whose 16-bit sums are exact while `2 p u |q| <= 32767` for p sums of pairs, so that 4, 5 and 6
/// bits allow p = 8, 4 and 2. 8 bits are taken as two times 4.
pub(super) struct MultiplyAdd;

impl Dot for Vnni {
    #[inline(always)]
    unsafe fn dot<T: Tile>(values: &[__m256i], q: *const i8) -> __m256i {
        // SAFETY: by the caller's promise.
        unsafe {
            // Two chains, because one would wait for itself.
            let mut sums = [_mm256_setzero_si256(); 2];
            for (j, value) in values.iter().enumerate() {
                sums[j % 2] = _mm256_dpbusd_avx_epi32(sums[j % 2], *value, four(q.add(4 * j)));
            }
            _mm256_add_epi32(sums[0], sums[1])
        }
    }
}

impl Dot for MultiplyAdd {
    #[inline(always)]
    unsafe fn dot<T: Tile>(values: &[__m256i], q: *const i8) -> __m256i {
        // SAFETY: by the caller's promise.
        unsafe {
            if T::BITS == 8 {
                return dot_of_nibbles(values, q);
            }
            let pairs = 1 << (7 - T::BITS);
            let mut sum = _mm256_setzero_si256();
            for (part, values) in values.chunks(pairs).enumerate() {
                let mut short = _mm256_setzero_si256();
                for (j, value) in values.iter().enumerate() {
                    let q = four(q.add(4 * (part * pairs + j)));
                    short = _mm256_add_epi16(short, _mm256_maddubs_epi16(*value, q));
                }
                sum = _mm256_add_epi32(sum, _mm256_madd_epi16(short, _mm256_set1_epi16(1)));
            }
            sum
        }
    }
}

/// `sum (u & 15) q + 16 sum (u >> 4) q`; each sum of 8 pairs is exact in 16 bits.
///
/// # Safety
/// AVX2 is enabled in the caller; `4 * values.len()` <= 32 bytes can be read at `q`.
#[inline(always)]
unsafe fn dot_of_nibbles(values: &[__m256i], q: *const i8) -> __m256i {
    // SAFETY: by the caller's promise.
    unsafe {
        let nibble = _mm256_set1_epi8(15);
        let (mut low, mut high) = (_mm256_setzero_si256(), _mm256_setzero_si256());
        for (j, value) in values.iter().enumerate() {
            let q = four(q.add(4 * j));
            let upper = _mm256_and_si256(_mm256_srli_epi16::<4>(*value), nibble);
            low = _mm256_add_epi16(low, _mm256_maddubs_epi16(_mm256_and_si256(*value, nibble), q));
            high = _mm256_add_epi16(high, _mm256_maddubs_epi16(upper, q));
        }
        let low = _mm256_madd_epi16(low, _mm256_set1_epi16(1));
        _mm256_add_epi32(low, _mm256_madd_epi16(high, _mm256_set1_epi16(16)))
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
                    for half in 0..2 {
                        let weights = T::unpack(record, block % per_record, half);
                        add_block::<T, D>(&weights, &rows, out, half);
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
struct Rows {
    /// `[rows][32]`.
    values: *const i8,
    /// `[rows]`.
    scales: *const BlockScale,
}

/// Adds one block to outputs `8 half .. 8 half + 8` of every row.
///
/// # Safety
/// The features of `T` and `D` are enabled in the caller; `rows` has as many rows as `out`; `half` is 0 or 1.
#[inline(always)]
unsafe fn add_block<T: Tile, D: Dot>(weights: &Weights, rows: &Rows, out: &mut [[f32; GROUP]], half: usize) {
    for (row, out) in out.iter_mut().enumerate() {
        // SAFETY: by the caller's promise; 8 floats at `8 half` are inside of the 16 of a row.
        unsafe {
            let out = out.as_mut_ptr().add(8 * half);
            let q = rows.values.add(row * BLOCK);
            let block = &*rows.scales.add(row);
            let s = _mm256_broadcast_ss(&block.scale);
            let mut sum = _mm256_loadu_ps(out);
            if T::HALVES {
                let dots =
                    [D::dot::<T>(&weights.values[..4], q), D::dot::<T>(&weights.values[4..], q.add(16))];
                let sums = [&block.low, &block.high];
                for part in 0..2 {
                    let scale = _mm256_mul_ps(weights.scale[part], s);
                    sum = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dots[part]), scale, sum);
                    sum = _mm256_fmadd_ps(weights.offset[part], _mm256_broadcast_ss(sums[part]), sum);
                }
            } else {
                let dot = D::dot::<T>(&weights.values, q);
                sum = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dot), _mm256_mul_ps(weights.scale[0], s), sum);
                sum = _mm256_fmadd_ps(weights.offset[0], _mm256_broadcast_ss(&block.sum), sum);
            }
            _mm256_storeu_ps(out, sum);
        }
    }
}
