//! [`KvPool`]: the memory of all blocks.

use super::{KvConfig, Layout, TILE, Tile};
use crate::pool::SharedBytes;
use crate::{Error, Result};

/// Blocks of keys and values of all layers; the layout is described in `kv/mod.rs`.
#[derive(Debug)]
pub struct KvPool {
    pub(crate) layout: Layout,
    pub(crate) keys: SharedBytes,
    pub(crate) values: SharedBytes,
}

/// A copy of the first tokens of a block, for a sequence that shares a prefix with another one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BlockCopy {
    /// Block to copy from.
    pub src: u32,
    /// Block to overwrite; may not be in use by another sequence.
    pub dst: u32,
    /// Number of tokens to copy; what follows them in `dst` is unspecified.
    pub tokens: usize,
}

impl KvPool {
    /// Maps a pool of zeros; a block occupies memory only once its first token is stored.
    ///
    /// # Errors
    /// [`Error::KvShape`] for an impossible shape, [`Error::Memory`] when the system cannot map that much.
    pub fn new(config: &KvConfig) -> Result<Self> {
        let layout = Layout::new(config)?;
        let map = |what| {
            SharedBytes::new(layout.bytes).map_err(|source| Error::Memory {
                what,
                bytes: layout.bytes,
                source,
            })
        };
        Ok(Self { layout, keys: map("keys")?, values: map("values")? })
    }

    /// The shape of the pool.
    #[must_use]
    pub fn config(&self) -> &KvConfig {
        &self.layout.config
    }

    /// Bytes of all blocks, whether they are in use or not.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.keys.len() + self.values.len()
    }

    /// Copies tokens from block to block, in all layers.
    ///
    /// # Errors
    /// [`Error::Argument`] when a block or the tokens are outside of the pool.
    pub fn copy(&mut self, copy: BlockCopy) -> Result<()> {
        let KvConfig { layers, kv_heads, block_tokens, blocks, .. } = self.layout.config;
        for block in [copy.src, copy.dst] {
            if block as usize >= blocks {
                return Err(Error::argument("copy", format!("block {block}"), format!("less than {blocks}")));
            }
        }
        if copy.tokens > block_tokens {
            let (found, expected) = (format!("{} tokens", copy.tokens), format!("at most {block_tokens}"));
            return Err(Error::argument("copy", found, expected));
        }
        let bytes = copy.tokens.div_ceil(TILE) * self.layout.tile_bytes();
        for (layer, kv_head) in (0..layers).flat_map(|layer| (0..kv_heads).map(move |head| (layer, head))) {
            let offset =
                |block: u32| self.layout.offset(Tile { layer, block: block as usize, kv_head, index: 0 });
            let (src, dst) = (offset(copy.src), offset(copy.dst));
            self.keys.get_mut().copy_within(src..src + bytes, dst);
            self.values.get_mut().copy_within(src..src + bytes, dst);
        }
        Ok(())
    }
}
