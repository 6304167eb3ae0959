//! [`store_key`], [`store_value`]: one token's key or value into its tile.

use crate::kv::{KvPool, TILE, Tile};
use crate::pool::SharedBytes;
use crate::simd::Isa;
use crate::simd::attention::Encode;

/// The place of one token and head in the pool; keys and values have the same one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct KvPlace {
    /// Index of the layer.
    pub layer: usize,
    /// Index of the block in the pool.
    pub block: u32,
    /// Index of the token in the block.
    pub slot: usize,
    /// Index of the head of keys and values.
    pub kv_head: usize,
}

/// Rounds a key (after rotary), `[head_dim]`, to the pool's format and writes it.
///
/// # Safety
/// No other thread reads the block or writes the same place at the same time.
pub(crate) unsafe fn store_key(isa: Isa, pool: &KvPool, place: KvPlace, key: &[f32]) {
    let layout = &pool.layout;
    let (tile, slot) = tile_of(pool, place, key);
    let scales = tile + TILE * layout.code_bytes();
    let row = isa.run(Encode { layout, x: key });
    // SAFETY: bytes of this token alone, by the layout of keys; the caller promises that nobody else uses them.
    unsafe {
        match layout.config.format.bits() {
            32 => interleave::<4>(&pool.keys, tile, slot, row.codes()),
            16 => interleave::<2>(&pool.keys, tile, slot, row.codes()),
            _ => interleave::<1>(&pool.keys, tile, slot, row.codes()),
        }
        interleave::<2>(&pool.keys, scales, slot, row.scales().as_flattened());
    }
}

/// Rounds a value, `[head_dim]`, to the pool's format and writes it.
///
/// # Safety
/// As [`store_key`].
pub(crate) unsafe fn store_value(isa: Isa, pool: &KvPool, place: KvPlace, value: &[f32]) {
    let layout = &pool.layout;
    let (tile, slot) = tile_of(pool, place, value);
    let scales = tile + TILE * layout.code_bytes();
    let row = isa.run(Encode { layout, x: value });
    // SAFETY: bytes of this token alone, by the layout of values.
    unsafe {
        pool.values.write(tile + slot * layout.code_bytes(), row.codes());
        pool.values.write(scales + slot * 4 * layout.groups(), row.scales().as_flattened());
    }
}

/// The tile of a place, as an offset into the map, and the token's number in it.
fn tile_of(pool: &KvPool, place: KvPlace, head: &[f32]) -> (usize, usize) {
    let config = &pool.layout.config;
    let KvPlace { layer, block, slot, kv_head } = place;
    let block = block as usize;
    assert!(layer < config.layers && block < config.blocks, "a block of the pool");
    assert!(slot < config.block_tokens && kv_head < config.kv_heads, "a place of the block");
    assert!(head.len() == config.head_dim, "one head");
    (pool.layout.offset(Tile { layer, block, kv_head, index: slot / TILE }), slot % TILE)
}

/// Writes elements of `N` bytes as those of token `slot` of 16 that are interleaved from `start` on.
///
/// # Safety
/// No other thread reads or writes the bytes of this token at the same time.
unsafe fn interleave<const N: usize>(map: &SharedBytes, start: usize, slot: usize, bytes: &[u8]) {
    for (index, element) in bytes.as_chunks::<N>().0.iter().enumerate() {
        // SAFETY: the caller's promise.
        unsafe { map.write(start + (index * TILE + slot) * N, element) };
    }
}
