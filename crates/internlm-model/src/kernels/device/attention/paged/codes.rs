//! Keys and values as codes of 8 or 4 bits: storing and reading.
//!
//! `q = round((x - minimum) / scale)` with `scale = (maximum - minimum) / (2^bits - 1)`, both rounded to halves before
//! they are used, per token and head or per 32 numbers of it: the rule of the CPU core, with its codes. Numbers that are
//! not finite, or beyond the range of halves, are read back as NaN.

use cubecl::prelude::*;

use super::rounding::{reciprocal, step_of};
use super::store::{place, source};
use crate::kernels::block_tables::{KeyFormat, KeyLayout};
use crate::kernels::device::global_norm::is_finite;
use crate::kernels::device::halves::{HALF_INFINITY, HALF_NAN, from_half, to_half};

/// Scale and minimum of codes that are read back as NaN.
const UNREADABLE: u32 = HALF_NAN | (HALF_NAN << 16);

/// Writes the codes and scales of the key and value slots of every token of the rotated projection; one cube per key or
/// value, a unit per number.
///
/// # Shapes
/// - x: `[T, (heads + 2 kv_heads) d]`
/// - slots: `[T]`
/// - cache: `[blocks, words of a block]`
#[cube(launch)]
pub(super) fn store_codes(
    x: &Tensor<f32>,
    slots: &Tensor<u32>,
    cache: &mut Tensor<u32>,
    #[comptime] layout: KeyLayout,
) {
    let planes = comptime!(2 * layout.shape.kv_heads);
    let (plane, token) = (CUBE_POS % planes, CUBE_POS / planes);
    let column = UNIT_POS as usize;
    // Cubes beyond the last token work on it and write nothing.
    let known = min(token, slots.shape(0) - 1);
    let value = x[known * x.stride(0) + source(plane, layout) * layout.head_dim + column];
    let mut codes = Shared::<[u32]>::new_slice(comptime!(layout.head_dim));
    let packed = scale_of_group(value, layout);
    codes[column] = code_of(value, packed, layout);
    sync_cube();
    if token < slots.shape(0) {
        let (block, row) = place(slots[token], plane, layout);
        let start = block * cache.stride(0);
        if column < comptime!(layout.row_words()) {
            let to = start + row * comptime!(layout.row_words()) + column;
            cache[to] = word_of(&codes, column, layout);
        }
        let group = comptime!(layout.head_dim / layout.row_scales());
        if column % group == 0 {
            let scales = comptime!(layout.rows() * layout.row_words());
            let to = start + scales + row * comptime!(layout.row_scales()) + column / group;
            cache[to] = packed;
        }
    }
}

/// Scale and minimum of the group of this unit's number, as halves.
#[cube]
fn scale_of_group(value: f32, #[comptime] layout: KeyLayout) -> u32 {
    let group = comptime!(layout.head_dim / layout.row_scales());
    let column = UNIT_POS as usize;
    let mut low = Shared::<[f32]>::new_slice(comptime!(layout.head_dim));
    let mut high = Shared::<[f32]>::new_slice(comptime!(layout.head_dim));
    // What is not finite is smaller than all numbers, so that the minimum tells.
    let finite = is_finite(value);
    low[column] = select(finite, value, f32::min_value());
    high[column] = select(finite, value, f32::new(0.0));
    sync_cube();
    let place = column % group;
    #[unroll]
    for stage in 0..comptime!(stages(group)) {
        let half = comptime!(left(group, stage + 1));
        if place + half < comptime!(left(group, stage)) {
            let (own, other) = (low[column], low[column + half]);
            low[column] = min(own, other);
            let (own, other) = (high[column], high[column + half]);
            high[column] = max(own, other);
        }
        sync_cube();
    }
    let (lowest, highest) = (low[column - place], high[column - place]);
    let scale = to_half(step_of(highest - lowest, comptime!(layout.format.bits())));
    let minimum = to_half(lowest);
    let mut packed = scale | (minimum << 16u32);
    if scale >= HALF_INFINITY || (minimum & HALF_INFINITY) == HALF_INFINITY {
        packed = UNREADABLE.runtime();
    }
    packed
}

/// Numbers that are left of a group of `group` after `stage` steps, each of which brings pairs together.
fn left(group: usize, stage: usize) -> usize {
    group.div_ceil(1 << stage)
}

/// Steps until one number is left.
fn stages(group: usize) -> usize {
    group.next_power_of_two().trailing_zeros() as usize
}

/// The code of a number.
#[cube]
fn code_of(value: f32, packed: u32, #[comptime] layout: KeyLayout) -> u32 {
    let top = comptime!((1u32 << layout.format.bits()) - 1);
    let (scale, minimum) = (from_half(packed & 0xffffu32), from_half(packed >> 16u32));
    let mut inverse = f32::new(0.0);
    if scale > f32::new(0.0) {
        inverse = reciprocal(scale);
    }
    let code = max((value - minimum) * inverse, f32::new(0.0));
    u32::cast_from(min(code, f32::new(comptime!(top as f32))).round()) & top
}

/// The codes that one word holds.
#[cube]
fn word_of(codes: &Shared<[u32]>, word: usize, #[comptime] layout: KeyLayout) -> u32 {
    let count = comptime!(32 / layout.format.bits());
    let mut packed = 0u32;
    #[unroll]
    for i in 0..count {
        packed += codes[word * count + i] << comptime!((i * layout.format.bits()) as u32);
    }
    packed
}

/// Writes the numbers that the codes of one word stand for from `to` on.
#[cube]
pub(super) fn read_word(
    word: u32,
    packed: u32,
    tile: &mut Shared<[f32]>,
    to: usize,
    #[comptime] format: KeyFormat,
) {
    let (scale, minimum) = (from_half(packed & 0xffffu32), from_half(packed >> 16u32));
    let mask = comptime!((1u32 << format.bits()) - 1);
    #[unroll]
    for i in 0..comptime!(32 / format.bits()) {
        let code = (word >> comptime!((i * format.bits()) as u32)) & mask;
        tile[to + i] = fma(f32::cast_from(code), scale, minimum);
    }
}
