//! Paged keys and values: [`KvPool`] holds blocks of tokens, in one of the formats of [`KvFormat`].
//!
//! Keys and values are one map each, `[layer][block][kv_head][tile]`; a tile is 16 tokens of one head. `dim` is
//! head_dim padded to a multiple of 16 (of 32 for 4 bits).
//!
//! | part of a tile | keys | values |
//! |---|---|---|
//! | f32, f16 | `[dim][16 tokens]` | `[16 tokens][dim]` |
//! | int8 codes | `[dim][16 tokens]` u8 | `[16 tokens][dim]` u8 |
//! | int4 codes | `[dim / 2][16 tokens]` u8 | `[16 tokens][dim / 2]` u8 |
//! | scales of int8, int4 | `[group][scale, minimum][16 tokens]` f16 | `[16 tokens][group][scale, minimum]` f16 |
//!
//! A code q means `scale * q + minimum`. Byte `16 c + i` of a token's 4-bit codes holds dimension `32 c + i` in
//! its low half and `32 c + 16 + i` in its high half. So one vector holds one dimension of 16 keys, or 16 dimensions
//! of one value. The pool does no bookkeeping: the caller decides which sequence owns a block.

mod format;
mod layout;
mod pool;
mod rotate;
#[cfg(test)]
pub(crate) mod tests;

pub use format::KvFormat;
pub use layout::KvConfig;
pub(crate) use layout::{Layout, TILE, Tile};
pub use pool::{BlockCopy, KvPool};
pub(crate) use rotate::rotate;
