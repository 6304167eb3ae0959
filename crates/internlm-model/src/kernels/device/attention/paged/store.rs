//! Writing keys and values into their slots, and copying slots from block to block.

use cubecl::prelude::*;

use crate::kernels::block_tables::{KeyFormat, KeyLayout};
use crate::kernels::device::halves::{to_bf16, to_half};

/// Writes the key and value slots of every token of the rotated projection as they are; one unit per number.
///
/// # Shapes
/// - x: `[T, (heads + 2 kv_heads) d]`
/// - slots: `[T]`
/// - cache: `[blocks, 2 kv_heads block_tokens d]`
#[cube(launch)]
pub(super) fn store_slots(
    x: &Tensor<f32>,
    slots: &Tensor<u32>,
    cache: &mut Tensor<f32>,
    #[comptime] layout: KeyLayout,
) {
    let planes = comptime!(2 * layout.shape.kv_heads);
    let (column, row) = (ABSOLUTE_POS % layout.head_dim, ABSOLUTE_POS / layout.head_dim);
    let (plane, token) = (row % planes, row / planes);
    if token >= slots.shape(0) {
        terminate!();
    }
    let from = token * x.stride(0) + source(plane, layout) * layout.head_dim + column;
    let (block, row) = place(slots[token], plane, layout);
    let to = block * cache.stride(0) + row * layout.head_dim + column;
    cache[to] = x[from];
}

/// As [`store_slots`], rounded to 16 bits; one unit per word.
///
/// # Shapes
/// - x: `[T, (heads + 2 kv_heads) d]`
/// - slots: `[T]`
/// - cache: `[blocks, kv_heads block_tokens d]`
#[cube(launch)]
pub(super) fn store_halves(
    x: &Tensor<f32>,
    slots: &Tensor<u32>,
    cache: &mut Tensor<u32>,
    #[comptime] layout: KeyLayout,
) {
    let planes = comptime!(2 * layout.shape.kv_heads);
    let words = comptime!(layout.row_words());
    let (word, row) = (ABSOLUTE_POS % words, ABSOLUTE_POS / words);
    let (plane, token) = (row % planes, row / planes);
    if token >= slots.shape(0) {
        terminate!();
    }
    let from = token * x.stride(0) + source(plane, layout) * layout.head_dim + 2 * word;
    let (block, row) = place(slots[token], plane, layout);
    let to = block * cache.stride(0) + row * words + word;
    cache[to] = half_of(x[from], layout.format) | (half_of(x[from + 1], layout.format) << 16u32);
}

/// The 16 bits of a number.
#[cube]
fn half_of(number: f32, #[comptime] format: KeyFormat) -> u32 {
    if comptime!(format == KeyFormat::Bf16) { to_bf16(number) } else { to_half(number) }
}

/// Which slot of a token's projection is stored in a plane: the keys of all heads, then the values.
#[cube]
pub(super) fn source(plane: usize, #[comptime] layout: KeyLayout) -> usize {
    let group = comptime!(layout.shape.heads / layout.shape.kv_heads);
    let (head, half) = (plane % layout.shape.kv_heads, plane / layout.shape.kv_heads);
    head * comptime!(group + 2) + group + half
}

/// The block of a slot, and which of the block's rows it is in a plane.
#[cube]
pub(super) fn place(slot: u32, plane: usize, #[comptime] layout: KeyLayout) -> (usize, usize) {
    let slot = slot as usize;
    (slot / layout.block_tokens, plane * layout.block_tokens + slot % layout.block_tokens)
}

/// Copies the first slots of blocks to other blocks, whatever their format; no block that is copied to is in another copy.
///
/// # Shapes
/// - cache: `[blocks, words of a block]`
/// - copies: `[copies, 3]`, of `[from, to, tokens]`
#[cube(launch)]
pub(super) fn copy_slots(cache: &mut Tensor<u32>, copies: &Tensor<u32>, #[comptime] layout: KeyLayout) {
    let words = comptime!(layout.block_words());
    let (copy, word) = (ABSOLUTE_POS / words, ABSOLUTE_POS % words);
    if copy >= copies.shape(0) {
        terminate!();
    }
    let at = copy * copies.stride(0);
    if slot_of_word(word, layout) < copies[at + 2] as usize {
        let from = copies[at] as usize * cache.stride(0) + word;
        let to = copies[at + 1] as usize * cache.stride(0) + word;
        let value = cache[from];
        cache[to] = value;
    }
}

/// The slot that a word of a block belongs to.
#[cube]
fn slot_of_word(word: usize, #[comptime] layout: KeyLayout) -> usize {
    let scales = comptime!(layout.rows() * layout.row_words());
    let mut row = word / comptime!(layout.row_words());
    if word >= scales {
        // Floats have no scales, and no word is behind them.
        row = (word - scales) / comptime!(layout.row_scales().max(1));
    }
    row % layout.block_tokens
}
