//! Integer formats times 8-bit activations with `vpdpbusd`.
//!
//! One row: a group at a time, its sum in a register, the stream of records prefetched ahead. Several rows: a block is
//! unpacked into registers once, then every row adds its part; the sums are in `out`, which stays in the L1 cache.

use std::arch::x86_64::*;

use super::tiles::{Int4, Operands, Q4_0, Q4_1, Q4K, Q5_0, Q5_1, Q5K, Q6K, Q8_0, Tile};
use crate::panel::BlockScale;
use crate::simd::product::{Blocks, BlocksFn};
use crate::tile::TileFormat;

/// How far ahead of its use a record is fetched, in bytes.
const AHEAD: usize = 4096;

/// Chooses the kernel of an integer format; `None` for float formats.
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
    let group_bytes = T::FORMAT.group_bytes(panel.blocks * 32);
    assert!((panel.blocks * 32).is_multiple_of(T::FORMAT.step()), "whole records");
    assert!(call.tiles.len() >= call.groups * group_bytes, "whole groups");
    assert!(out.len() == call.groups * rows && call.first_row + rows <= panel.rows, "rows of the panel");
    assert!(panel.values.len() >= panel.rows * panel.blocks * 32, "values of every row");
    assert!(panel.scales.len() >= panel.rows * panel.blocks, "scales of every row");
    let work = |group: usize| Work {
        tiles: call.tiles[group * group_bytes..].as_ptr(),
        activations: Activations {
            values: panel.values[call.first_row * 32..].as_ptr(),
            scales: panel.scales[call.first_row..].as_ptr(),
        },
        stride: panel.rows,
        blocks: panel.blocks,
    };
    if rows == 1 {
        for (group, out) in out.iter_mut().enumerate() {
            // SAFETY: this function is only handed out where the instruction set is available; the lengths are
            // checked above.
            unsafe { one_row::<T>(work(group), out) };
        }
        return;
    }
    for (pair, out) in out.chunks_mut(2 * rows.max(1)).enumerate() {
        let (first, second) = out.split_at_mut(rows);
        // SAFETY: likewise.
        unsafe {
            match second.len() {
                0 => many_rows::<T, 1>(work(2 * pair), [first]),
                _ => many_rows::<T, 2>(work(2 * pair), [first, second]),
            }
        }
    }
}

/// One column group and the rows to multiply it with.
#[derive(Clone, Copy)]
struct Work {
    tiles: *const u8,
    /// The first block of the first row; block b of row r is `b stride + r` places later.
    activations: Activations,
    stride: usize,
    blocks: usize,
}

/// A block of a row of a panel.
#[derive(Clone, Copy)]
struct Activations {
    /// The 32 values of the block.
    values: *const i8,
    scales: *const BlockScale,
}

impl Activations {
    /// The block `places` places later.
    ///
    /// # Safety
    /// It is inside of the same panel.
    #[inline(always)]
    unsafe fn add(self, places: usize) -> Self {
        // SAFETY: the caller's promise.
        unsafe { Self { values: self.values.add(32 * places), scales: self.scales.add(places) } }
    }
}

/// Fetches what comes `distance` bytes after a block into the L2 cache.
#[inline(always)]
fn fetch_ahead<T: Tile>(record: *const u8, block: usize, distance: usize) {
    let bytes = T::FORMAT.record_bytes() / (T::FORMAT.step() / 32);
    for line in 0..bytes.div_ceil(64) {
        let at = record.wrapping_add(distance + block * bytes + 64 * line);
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
                fetch_ahead::<T>(record, block, AHEAD);
                let weights = T::block(record, header, block);
                let place = (index * per_record + block) * work.stride;
                [acc] = add::<T, 1>([acc], &[weights], work.activations.add(place));
            }
        }
        _mm512_storeu_ps(out.as_mut_ptr(), acc);
    }
}

/// `G` column groups, one after the other in `work.tiles`, share the loads of the activations.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
unsafe fn many_rows<T: Tile, const G: usize>(work: Work, out: [&mut [[f32; 16]]; G]) {
    let per_record = T::FORMAT.step() / 32;
    let group_bytes = T::FORMAT.group_bytes(work.blocks * 32);
    let rows = out[0].len();
    let out = out.map(<[_]>::as_mut_ptr);
    // SAFETY: every pointer stays inside of the groups, the rows and `out`, as checked by `multiply`.
    unsafe {
        for index in 0..work.blocks / per_record {
            let mut records = [work.tiles.add(index * T::FORMAT.record_bytes()); G];
            let mut headers = [T::header(records[0]); G];
            for group in 1..G {
                records[group] = records[0].add(group * group_bytes);
                headers[group] = T::header(records[group]);
            }
            for block in 0..per_record {
                let mut weights = [T::block(records[0], headers[0], block); G];
                for group in 1..G {
                    weights[group] = T::block(records[group], headers[group], block);
                }
                // The same block of the next groups: time enough, and they are read in the same order.
                for record in records {
                    fetch_ahead::<T>(record, block, G * group_bytes);
                }
                let place = (index * per_record + block) * work.stride;
                let activations = work.activations.add(place);
                if index + block == 0 {
                    add_rows::<T, G, true>(&weights, activations, out, rows);
                } else {
                    add_rows::<T, G, false>(&weights, activations, out, rows);
                }
            }
        }
    }
}

/// Adds a block of every row to its sums, or begins these.
#[inline(always)]
unsafe fn add_rows<T: Tile, const G: usize, const FIRST: bool>(
    weights: &[Operands; G],
    activations: Activations,
    out: [*mut [f32; 16]; G],
    rows: usize,
) {
    // SAFETY: the caller's pointers cover a block and an entry of scales of each row, and the sums of each row.
    unsafe {
        for row in 0..rows {
            let mut acc = [_mm512_setzero_ps(); G];
            if !FIRST {
                for group in 0..G {
                    acc[group] = _mm512_loadu_ps(out[group].add(row).cast());
                }
            }
            let acc = add::<T, G>(acc, weights, activations.add(row));
            for group in 0..G {
                _mm512_storeu_ps(out[group].add(row).cast(), acc[group]);
            }
        }
    }
}

/// Adds a block of one row to the sums of 16 outputs of each group.
#[inline(always)]
unsafe fn add<T: Tile, const G: usize>(
    mut acc: [__m512; G],
    weights: &[Operands; G],
    activations: Activations,
) -> [__m512; G] {
    // SAFETY: the caller's pointers cover 32 values and one entry of scales.
    unsafe {
        let values = activations.values.cast::<i32>();
        let scales = *activations.scales;
        let mut dots = [_mm512_setzero_si512(); G];
        for j in 0..8 {
            if T::HALVES && j == 4 {
                for group in 0..G {
                    let half = Half { d: weights[group].scale[0], c: weights[group].offset[0] };
                    acc[group] = finish(acc[group], dots[group], half, scales.scale, scales.low);
                    dots[group] = _mm512_setzero_si512();
                }
            }
            let value = _mm512_set1_epi32(values.add(j).read_unaligned());
            for group in 0..G {
                dots[group] = _mm512_dpbusd_epi32(dots[group], weights[group].values[j], value);
            }
        }
        let sum = if T::HALVES { scales.high } else { scales.sum };
        for group in 0..G {
            let half = Half { d: weights[group].scale[1], c: weights[group].offset[1] };
            acc[group] = finish(acc[group], dots[group], half, scales.scale, sum);
        }
        acc
    }
}

/// Scale and offset of a (half) block of 16 outputs.
#[derive(Clone, Copy)]
struct Half {
    d: __m512,
    c: __m512,
}

/// Scales the integer sums of a (half) block and adds them; `s` and `sum` are the activations' s and S.
#[inline(always)]
unsafe fn finish(acc: __m512, dot: __m512i, half: Half, s: f32, sum: f32) -> __m512 {
    // SAFETY: plain arithmetic.
    unsafe {
        let scale = _mm512_mul_ps(half.d, _mm512_set1_ps(s));
        let acc = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot), scale, acc);
        _mm512_fmadd_ps(half.c, _mm512_set1_ps(sum), acc)
    }
}
