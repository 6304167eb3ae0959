//! [`KvPool`]: the memory of all blocks.

use super::{KvConfig, Layout, TILE, Tile};
use crate::kernels::SharedBytes;
use crate::{Error, Result};

/// Blocks of keys and values of all layers; see [`crate::kv`] for the layout.
#[derive(Debug)]
pub struct KvPool {
    pub(crate) layout: Layout,
    pub(crate) keys: SharedBytes,
    pub(crate) values: SharedBytes,
}

/// Copies the first tokens of a block, for a sequence that shares a prefix which ends inside of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BlockCopy {
    /// Block to read.
    pub src: u32,
    /// Block to overwrite.
    pub dst: u32,
    /// Tokens that count; what follows them in `dst` is unspecified.
    pub tokens: usize,
}

impl KvPool {
    /// A pool of zeros; a block takes memory from its first token on.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an impossible shape, [`Error::Memory`] when the system has no room.
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

    /// The shape.
    #[must_use]
    pub fn config(&self) -> &KvConfig {
        &self.layout.config
    }

    /// Bytes of all blocks.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.keys.len() + self.values.len()
    }

    /// Bytes of one block of a pool of this shape, all layers together.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an impossible shape.
    pub fn block_bytes(config: &KvConfig) -> Result<usize> {
        Ok(2 * Layout::new(&KvConfig { blocks: 1, ..*config })?.bytes)
    }

    /// Copies tokens from block to block, in all layers.
    ///
    /// # Errors
    /// [`Error::Invalid`] when a block or the tokens lie outside of the pool.
    pub fn copy(&mut self, copy: BlockCopy) -> Result<()> {
        let KvConfig { layers, kv_heads, block_tokens, blocks, .. } = self.layout.config;
        for block in [copy.src, copy.dst] {
            if block as usize >= blocks {
                return Err(Error::Invalid(format!(
                    "copy: found block {block}, expected less than {blocks}"
                )));
            }
        }
        if copy.tokens > block_tokens {
            let found = copy.tokens;
            return Err(Error::Invalid(format!(
                "copy: found {found} tokens, expected at most {block_tokens}"
            )));
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
