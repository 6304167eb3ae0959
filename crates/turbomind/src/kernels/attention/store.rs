//! [`store`]: one token's key and value into their tiles.

use crate::kernels::SharedBytes;
use crate::kv::{KvPool, TILE, Tile};
use crate::simd::Isa;
use crate::simd::attention::Encode;

/// Where the key and value of one token and head live.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Place {
    /// Layer.
    pub layer: usize,
    /// Block of the pool.
    pub block: u32,
    /// Token of the block.
    pub slot: usize,
    /// Head.
    pub kv_head: usize,
}

/// Rounds a key (after rotary) and a value, `[head_dim]` each, to the pool's format and writes them.
///
/// # Safety
/// No other thread reads the block or writes the same place at the same time.
pub(crate) unsafe fn store(isa: Isa, pool: &KvPool, place: Place, key: &[f32], value: &[f32]) {
    let layout = &pool.layout;
    let config = &layout.config;
    let Place { layer, block, slot, kv_head } = place;
    let block = block as usize;
    assert!(layer < config.layers && block < config.blocks, "a block of the pool");
    assert!(slot < config.block_tokens && kv_head < config.kv_heads, "a place of the block");
    assert!(key.len() == config.head_dim && value.len() == config.head_dim, "one head");
    let tile = layout.offset(Tile { layer, block, kv_head, index: slot / TILE });
    let slot = slot % TILE;
    let scales = tile + TILE * layout.code_bytes();

    let row = isa.run(Encode { layout, x: key });
    // SAFETY: bytes of this token alone, by the layout of keys; the caller promises that nobody else uses them.
    unsafe {
        match config.format.bits() {
            32 => interleave::<4>(&pool.keys, (tile, slot), row.codes()),
            16 => interleave::<2>(&pool.keys, (tile, slot), row.codes()),
            _ => interleave::<1>(&pool.keys, (tile, slot), row.codes()),
        }
        interleave::<2>(&pool.keys, (scales, slot), row.scales().as_flattened());
    }

    let row = isa.run(Encode { layout, x: value });
    // SAFETY: bytes of this token alone, by the layout of values.
    unsafe {
        pool.values.write(tile + slot * layout.code_bytes(), row.codes());
        pool.values.write(scales + slot * 4 * layout.groups(), row.scales().as_flattened());
    }
}

/// Writes elements of `N` bytes as those of token `slot` of 16 that are interleaved from `start` on.
///
/// # Safety
/// No other thread reads or writes the bytes of this token at the same time.
unsafe fn interleave<const N: usize>(map: &SharedBytes, (start, slot): (usize, usize), bytes: &[u8]) {
    for (index, element) in bytes.as_chunks::<N>().0.iter().enumerate() {
        // SAFETY: the caller's promise.
        unsafe { map.write(start + (index * TILE + slot) * N, element) };
    }
}
