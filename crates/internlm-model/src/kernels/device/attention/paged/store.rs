//! Writing keys and values into their slots, and copying slots from block to block.

use cubecl::prelude::*;

use super::form::PagedForm;

/// Writes the key and value slots of every token of the rotated projection; one unit per number.
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
    #[comptime] form: PagedForm,
) {
    let (column, plane) = (ABSOLUTE_POS % form.tile.d, ABSOLUTE_POS / form.tile.d);
    let (head, plane) = (plane % form.tile.kv_heads, plane / form.tile.kv_heads);
    let (half, token) = (plane % 2, plane / 2);
    if token >= slots.shape(0) {
        terminate!();
    }
    let slot = slots[token] as usize;
    let (block, slot) = (slot / form.block_tokens, slot % form.block_tokens);
    let source = head * comptime!(form.tile.slots()) + form.tile.group + half;
    let from = token * x.stride(0) + source * form.tile.d + column;
    let target = (half * form.tile.kv_heads + head) * form.block_tokens + slot;
    let to = block * cache.stride(0) + target * form.tile.d + column;
    cache[to] = x[from];
}

/// Copies the first slots of blocks to other blocks; no block that is copied to is in another copy.
///
/// # Shapes
/// - cache: `[blocks, 2 kv_heads block_tokens d]`
/// - copies: `[copies, 3]`, of `[from, to, tokens]`
#[cube(launch)]
pub(super) fn copy_slots(cache: &mut Tensor<f32>, copies: &Tensor<u32>, #[comptime] form: PagedForm) {
    let numbers = comptime!(form.block_numbers());
    let (copy, place) = (ABSOLUTE_POS / numbers, ABSOLUTE_POS % numbers);
    if copy >= copies.shape(0) {
        terminate!();
    }
    let at = copy * copies.stride(0);
    let slot = place / form.tile.d % form.block_tokens;
    if slot < copies[at + 2] as usize {
        let from = copies[at] as usize * cache.stride(0) + place;
        let to = copies[at + 1] as usize * cache.stride(0) + place;
        let value = cache[from];
        cache[to] = value;
    }
}
