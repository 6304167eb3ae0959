//! Float formats times f32 activations: widen and FMA, in rising order of the inner length.

use std::arch::x86_64::*;

use crate::simd::product::{Floats, FloatsFn};
use crate::tile::TileFormat;

/// Number of rows whose sums are in registers at a time.
const ROWS: usize = 8;
/// How far ahead of its use a record is fetched, in bytes.
const AHEAD: usize = 4096;

/// Chooses the kernel of a float format; `None` for integer formats.
pub(in crate::simd) fn floats(format: TileFormat) -> Option<FloatsFn> {
    match format {
        TileFormat::F32 => Some(multiply::<F32>),
        TileFormat::F16 => Some(multiply::<F16>),
        TileFormat::Bf16 => Some(multiply::<Bf16>),
        _ => None,
    }
}

/// A format as the kernel sees it.
trait Widen {
    const FORMAT: TileFormat;
    /// The weights of a record: `[i]` is weight i of 16 outputs; only the first `step` count.
    ///
    /// # Safety
    /// AVX-512 F and BW are available; `record` points to a whole record.
    unsafe fn widen(record: *const u8) -> [__m512; 2];
}

struct F32;
struct F16;
struct Bf16;

impl Widen for F32 {
    const FORMAT: TileFormat = TileFormat::F32;
    #[inline(always)]
    unsafe fn widen(record: *const u8) -> [__m512; 2] {
        // SAFETY: a record is 64 bytes.
        unsafe { [_mm512_loadu_ps(record.cast()); 2] }
    }
}

impl Widen for F16 {
    const FORMAT: TileFormat = TileFormat::F16;
    #[inline(always)]
    unsafe fn widen(record: *const u8) -> [__m512; 2] {
        // SAFETY: a record is 32 bytes.
        unsafe { [_mm512_cvtph_ps(_mm256_loadu_si256(record.cast())); 2] }
    }
}

impl Widen for Bf16 {
    const FORMAT: TileFormat = TileFormat::Bf16;
    #[inline(always)]
    unsafe fn widen(record: *const u8) -> [__m512; 2] {
        // SAFETY: a record is 64 bytes.
        unsafe {
            let pairs = _mm512_loadu_si512(record.cast());
            let even = _mm512_slli_epi32::<16>(pairs);
            let odd = _mm512_and_si512(pairs, _mm512_set1_epi32(0xffff_0000_u32.cast_signed()));
            [_mm512_castsi512_ps(even), _mm512_castsi512_ps(odd)]
        }
    }
}

fn multiply<W: Widen>(call: &Floats<'_>, out: &mut [[f32; 16]]) {
    let rows = out.len() / call.groups.max(1);
    let group_bytes = W::FORMAT.group_bytes(call.inputs);
    assert!(call.tiles.len() >= call.groups * group_bytes, "whole groups");
    assert!(out.len() == call.groups * rows && call.rows.len() >= rows * call.inputs, "whole rows");
    for (group, out) in out.chunks_exact_mut(rows.max(1)).enumerate() {
        let tiles = call.tiles[group * group_bytes..].as_ptr();
        for (index, out) in out.chunks_mut(ROWS).enumerate() {
            let x = call.rows[index * ROWS * call.inputs..].as_ptr();
            // SAFETY: this function is only handed out where the instruction set is available; the lengths are
            // checked above.
            unsafe {
                match out.len() {
                    ROWS => some_rows::<W, ROWS>(tiles, x, call.inputs, out),
                    _ => {
                        for (row, out) in out.chunks_mut(1).enumerate() {
                            some_rows::<W, 1>(tiles, x.add(row * call.inputs), call.inputs, out);
                        }
                    }
                }
            }
        }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
unsafe fn some_rows<W: Widen, const N: usize>(
    tiles: *const u8,
    x: *const f32,
    inputs: usize,
    out: &mut [[f32; 16]],
) {
    let (step, bytes) = (W::FORMAT.step(), W::FORMAT.record_bytes());
    // SAFETY: records and rows are whole, as checked by `multiply`; a prefetch may point anywhere.
    unsafe {
        let mut acc = [_mm512_setzero_ps(); N];
        for index in 0..inputs.div_ceil(step) {
            let record = tiles.add(index * bytes);
            _mm_prefetch::<_MM_HINT_T1>(record.wrapping_add(AHEAD).cast());
            let weights = W::widen(record);
            for (i, weights) in weights.into_iter().enumerate().take(step.min(inputs - index * step)) {
                for (row, acc) in acc.iter_mut().enumerate() {
                    let x = _mm512_set1_ps(*x.add(row * inputs + index * step + i));
                    *acc = _mm512_fmadd_ps(weights, x, *acc);
                }
            }
        }
        for (acc, out) in acc.into_iter().zip(out) {
            _mm512_storeu_ps(out.as_mut_ptr(), acc);
        }
    }
}
