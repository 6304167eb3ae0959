//! Integer formats times 8-bit activations with `vpdpbusd`.
//!
//! One row: a group at a time, its sum in a register, the stream of records prefetched ahead. Several rows: a block is
//! unpacked into registers once, then every row adds its part; the sums lie in `out`, which stays in the L1 cache.

use std::arch::x86_64::*;

use super::tiles::{Int4, Operands, Q4_0, Q4_1, Q4K, Q5_0, Q5_1, Q5K, Q6K, Q8_0, Tile};
use crate::panel::BlockScale;
use crate::simd::{Blocks, BlocksFn};
use crate::tile::{Matrix, TileFormat};

/// How far ahead of its use a record is fetched, in bytes.
const AHEAD: usize = 4096;

/// The kernel of a format.
pub(in crate::simd) fn blocks(format: TileFormat) -> Option<BlocksFn> {
    Some(match format {
        TileFormat::Q4_0 => multiply::<Q4_0>,
        TileFormat::Q4_1 => multiply::<Q4_1>,
        TileFormat::Q5_0 => multiply::<Q5_0>,
        TileFormat::Q5_1 => multiply::<Q5_1>,
        TileFormat::Q8_0 => multiply::<Q8_0>,
        TileFormat::Q4K => multiply::<Q4K>,
        TileFormat::Q5K => multiply::<Q5K>,
        TileFormat::Q6K => multiply::<Q6K>,
        TileFormat::Int4 => multiply::<Int4>,
        TileFormat::F32 | TileFormat::F16 | TileFormat::Bf16 => return None,
    })
}

fn multiply<T: Tile>(call: &Blocks<'_>, out: &mut [[f32; 16]]) {
    let panel = call.panel;
    let rows = out.len() / call.groups.max(1);
    let group_bytes = Matrix::group_bytes(T::FORMAT, panel.blocks * 32);
    assert!((panel.blocks * 32).is_multiple_of(T::FORMAT.step()), "whole records");
    assert!(call.tiles.len() >= call.groups * group_bytes, "whole groups");
    assert!(out.len() == call.groups * rows && call.first_row + rows <= panel.rows, "rows of the panel");
    assert!(panel.values.len() >= panel.rows * panel.blocks * 32, "values of every row");
    assert!(panel.scales.len() >= panel.rows * panel.blocks, "scales of every row");
    for (group, out) in out.chunks_exact_mut(rows.max(1)).enumerate() {
        let work = Work {
            tiles: call.tiles[group * group_bytes..].as_ptr(),
            values: panel.values[call.first_row * 32..].as_ptr(),
            scales: panel.scales[call.first_row..].as_ptr(),
            stride: panel.rows,
            blocks: panel.blocks,
        };
        // SAFETY: this function is only handed out where the instruction set is available; the lengths are checked
        // above.
        unsafe {
            if rows == 1 {
                one_row::<T>(work, &mut out[0]);
            } else {
                many_rows::<T>(work, out);
            }
        }
    }
}

/// One column group and the rows to multiply it with.
#[derive(Clone, Copy)]
struct Work {
    tiles: *const u8,
    /// Block b of row r is 32 values at `32 (b stride + r)`.
    values: *const i8,
    /// Its scales are at `b stride + r`.
    scales: *const BlockScale,
    stride: usize,
    blocks: usize,
}

/// Fetches the block that comes [`AHEAD`] bytes later into the L2 cache.
#[inline(always)]
fn fetch_ahead<T: Tile>(record: *const u8, block: usize) {
    let bytes = T::FORMAT.record_bytes() / (T::FORMAT.step() / 32);
    for line in 0..bytes.div_ceil(64) {
        let at = record.wrapping_add(AHEAD + block * bytes + 64 * line);
        // SAFETY: a prefetch may point anywhere.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(at.cast()) };
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
unsafe fn one_row<T: Tile>(work: Work, out: &mut [f32; 16]) {
    let per_record = T::FORMAT.step() / 32;
    // SAFETY: every pointer stays inside of the group and the row, as checked by `multiply`.
    unsafe {
        let mut acc = _mm512_setzero_ps();
        for index in 0..work.blocks / per_record {
            let record = work.tiles.add(index * T::FORMAT.record_bytes());
            let header = T::header(record);
            for block in 0..per_record {
                fetch_ahead::<T>(record, block);
                let weights = T::block(record, header, block);
                let place = (index * per_record + block) * work.stride;
                acc = add::<T>(acc, &weights, work.values.add(32 * place), work.scales.add(place));
            }
        }
        _mm512_storeu_ps(out.as_mut_ptr(), acc);
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
unsafe fn many_rows<T: Tile>(work: Work, out: &mut [[f32; 16]]) {
    let per_record = T::FORMAT.step() / 32;
    out.fill([0.0; 16]);
    // SAFETY: every pointer stays inside of the group, the rows and `out`, as checked by `multiply`.
    unsafe {
        for index in 0..work.blocks / per_record {
            let record = work.tiles.add(index * T::FORMAT.record_bytes());
            let header = T::header(record);
            for block in 0..per_record {
                fetch_ahead::<T>(record, block);
                let weights = T::block(record, header, block);
                let place = (index * per_record + block) * work.stride;
                let (values, scales) = (work.values.add(32 * place), work.scales.add(place));
                for (row, out) in out.iter_mut().enumerate() {
                    let acc = _mm512_loadu_ps(out.as_ptr());
                    let acc = add::<T>(acc, &weights, values.add(32 * row), scales.add(row));
                    _mm512_storeu_ps(out.as_mut_ptr(), acc);
                }
            }
        }
    }
}

/// Adds a block of one row to the sums of 16 outputs.
#[inline(always)]
unsafe fn add<T: Tile>(
    acc: __m512,
    weights: &Operands,
    values: *const i8,
    scales: *const BlockScale,
) -> __m512 {
    // SAFETY: the caller's pointers cover 32 values and one entry of scales.
    unsafe {
        let values = values.cast::<i32>();
        let value = |j: usize| _mm512_set1_epi32(values.add(j).read_unaligned());
        let scales = *scales;
        let mut dot = _mm512_setzero_si512();
        for j in 0..4 {
            dot = _mm512_dpbusd_epi32(dot, weights.values[j], value(j));
        }
        let mut acc = acc;
        if T::HALVES {
            acc = finish(acc, dot, (weights.scale[0], weights.offset[0]), (scales.scale, scales.low));
            dot = _mm512_setzero_si512();
        }
        for j in 4..8 {
            dot = _mm512_dpbusd_epi32(dot, weights.values[j], value(j));
        }
        let sum = if T::HALVES { scales.high } else { scales.sum };
        finish(acc, dot, (weights.scale[1], weights.offset[1]), (scales.scale, sum))
    }
}

#[inline(always)]
unsafe fn finish(acc: __m512, dot: __m512i, (d, c): (__m512, __m512), (s, sum): (f32, f32)) -> __m512 {
    // SAFETY: plain arithmetic.
    unsafe {
        let scale = _mm512_mul_ps(d, _mm512_set1_ps(s));
        let acc = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot), scale, acc);
        _mm512_fmadd_ps(c, _mm512_set1_ps(sum), acc)
    }
}
