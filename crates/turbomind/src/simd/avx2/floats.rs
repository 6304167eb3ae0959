//! Float activations times float weights: `acc = fma(w, x, acc)` in rising order of k, accumulators in registers.

use std::arch::x86_64::*;

use super::tile::AHEAD;
use crate::simd::product::{Floats, rows_of};
use crate::tile::{GROUP, TileFormat};

/// Number of rows that share the loads of the weights; 12 accumulators, 2 weights and 1 activation are 15 of 16 registers.
const ROWS: usize = 6;
/// Number of column groups in flight where one row alone would wait for its additions.
const GROUPS: usize = 4;

/// A float format's record.
pub(super) trait Weights {
    /// Which record it is.
    const FORMAT: TileFormat;

    /// Weight `k` of a record, outputs `8 half .. 8 half + 8`.
    ///
    /// # Safety
    /// AVX2 and F16C are enabled in the caller; `record` points to a whole record; `k` is one of its weights; `half` is
    /// 0 or 1.
    unsafe fn load(record: *const u8, k: usize, half: usize) -> __m256;
}

/// A record of 16 f32.
pub(super) struct F32;

/// A record of 16 f16.
pub(super) struct F16;

/// A record of 16 pairs of bf16.
pub(super) struct Bf16;

impl Weights for F32 {
    const FORMAT: TileFormat = TileFormat::F32;

    #[inline(always)]
    unsafe fn load(record: *const u8, _: usize, half: usize) -> __m256 {
        // SAFETY: a record is 64 bytes.
        unsafe { _mm256_loadu_ps(record.add(32 * half).cast()) }
    }
}

impl Weights for F16 {
    const FORMAT: TileFormat = TileFormat::F16;

    #[inline(always)]
    unsafe fn load(record: *const u8, _: usize, half: usize) -> __m256 {
        // SAFETY: a record is 32 bytes.
        unsafe { _mm256_cvtph_ps(_mm_loadu_si128(record.add(16 * half).cast())) }
    }
}

impl Weights for Bf16 {
    const FORMAT: TileFormat = TileFormat::Bf16;

    #[inline(always)]
    unsafe fn load(record: *const u8, k: usize, half: usize) -> __m256 {
        // SAFETY: a record is 64 bytes.
        unsafe {
            let pairs = _mm256_loadu_si256(record.add(32 * half).cast());
            _mm256_castsi256_ps(match k {
                0 => _mm256_slli_epi32::<16>(pairs),
                _ => _mm256_and_si256(pairs, _mm256_set1_epi32(0xffff_0000_u32.cast_signed())),
            })
        }
    }
}

/// Where a micro-kernel works.
#[derive(Clone, Copy)]
struct Place {
    /// First of its column groups.
    tiles: *const u8,
    /// Bytes of a column group.
    group_bytes: usize,
    /// First of its rows.
    x: *const f32,
    /// Inner length of the product.
    inputs: usize,
    /// Output of its first column group and row.
    out: *mut [f32; GROUP],
    /// Rows of the whole call.
    rows: usize,
}

/// Multiplies every row with every group, a few of each at a time.
///
/// # Safety
/// AVX2, FMA and F16C are enabled in the caller; `call.tiles` has all groups' records, `call.rows` all rows, and `out`
/// is `groups * rows` long.
#[inline(always)]
pub(super) unsafe fn multiply<W: Weights>(call: &Floats<'_>, out: &mut [[f32; GROUP]]) {
    let rows = rows_of(call.groups, out).len();
    let group_bytes = W::FORMAT.group_bytes(call.inputs);
    let mut group = 0;
    while group < call.groups {
        let groups = if rows == 1 && group + GROUPS <= call.groups { GROUPS } else { 1 };
        let mut row = 0;
        while row < rows {
            // SAFETY: `groups` groups from `group` and `count` rows from `row` on exist.
            unsafe {
                let place = Place {
                    tiles: call.tiles.as_ptr().add(group * group_bytes),
                    group_bytes,
                    x: call.rows.as_ptr().add(row * call.inputs),
                    inputs: call.inputs,
                    out: out.as_mut_ptr().add(group * rows + row),
                    rows,
                };
                // Even shares: 7 rows are 4 and 3, not 6 and 1.
                let count = (rows - row).div_ceil((rows - row).div_ceil(ROWS));
                match (groups, count) {
                    (GROUPS, _) => part::<W, GROUPS, 1>(&place),
                    (_, 1) => part::<W, 1, 1>(&place),
                    (_, 2) => part::<W, 1, 2>(&place),
                    (_, 3) => part::<W, 1, 3>(&place),
                    (_, 4) => part::<W, 1, 4>(&place),
                    (_, 5) => part::<W, 1, 5>(&place),
                    _ => part::<W, 1, ROWS>(&place),
                }
                row += count;
            }
        }
        group += groups;
    }
}

/// `G` column groups times `R` rows.
///
/// # Safety
/// AVX2, FMA and F16C are enabled in the caller; so many groups and rows exist at `place`.
#[inline(always)]
unsafe fn part<W: Weights, const G: usize, const R: usize>(place: &Place) {
    // SAFETY: the records and activations of `inputs` weights exist for every group and row by the caller's promise.
    unsafe {
        let step = W::FORMAT.step();
        let mut sums = [[[_mm256_setzero_ps(); 2]; R]; G];
        for index in 0..place.inputs / step {
            for k in 0..step {
                add::<W, G, R>(place, index, k, &mut sums);
            }
        }
        if place.inputs % step == 1 {
            add::<W, G, R>(place, place.inputs / step, 0, &mut sums);
        }
        for (group, sums) in sums.iter().enumerate() {
            for (row, sums) in sums.iter().enumerate() {
                let out = (*place.out.add(group * place.rows + row)).as_mut_ptr();
                _mm256_storeu_ps(out, sums[0]);
                _mm256_storeu_ps(out.add(8), sums[1]);
            }
        }
    }
}

/// Adds weight `k` of record `index`.
///
/// # Safety
/// As [`part`]; the weight exists.
#[inline(always)]
unsafe fn add<W: Weights, const G: usize, const R: usize>(
    place: &Place,
    index: usize,
    k: usize,
    sums: &mut [[[__m256; 2]; R]; G],
) {
    for (group, sums) in sums.iter_mut().enumerate() {
        // SAFETY: by the caller's promise.
        unsafe {
            let record = place.tiles.add(group * place.group_bytes + index * W::FORMAT.record_bytes());
            if k == 0 {
                _mm_prefetch::<_MM_HINT_T0>(record.wrapping_add(AHEAD).cast());
            }
            let weights = [W::load(record, k, 0), W::load(record, k, 1)];
            for (row, sums) in sums.iter_mut().enumerate() {
                let x = _mm256_broadcast_ss(&*place.x.add(row * place.inputs + index * W::FORMAT.step() + k));
                sums[0] = _mm256_fmadd_ps(weights[0], x, sums[0]);
                sums[1] = _mm256_fmadd_ps(weights[1], x, sums[1]);
            }
        }
    }
}
