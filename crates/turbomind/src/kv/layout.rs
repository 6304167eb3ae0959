//! [`KvConfig`] and [`Layout`]: the shape of a pool, and where the numbers of a token are.

use super::KvFormat;
use crate::{Error, Result};

/// Number of tokens of a tile.
pub(crate) const TILE: usize = 16;
/// Maximum number of dimensions of a head.
const MAX_HEAD_DIM: usize = 256;
/// Maximum number of tokens of a block.
const MAX_BLOCK_TOKENS: usize = 128;

/// The shape of a pool of keys and values.
///
/// ```
/// use turbomind::{KvConfig, KvFormat};
///
/// let config = KvConfig::new(KvFormat::F16, 30, 3, 64).with_blocks(4);
/// // Keys and values of 32 tokens, 2 bytes for each number.
/// assert_eq!(config.block_bytes()?, 2 * 30 * 3 * 64 * 32 * 2);
/// # Ok::<(), turbomind::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct KvConfig {
    /// How keys and values are stored.
    pub format: KvFormat,
    /// Number of layers of the model.
    pub layers: usize,
    /// Number of heads of keys and values in a layer.
    pub kv_heads: usize,
    /// Number of dimensions of a head: even, at most 256.
    pub head_dim: usize,
    /// Number of tokens of a block: a multiple of 16, from 16 to 128.
    pub block_tokens: usize,
    /// Number of blocks of the pool.
    pub blocks: usize,
}

impl KvConfig {
    /// The shape of a model with one block of 32 tokens.
    #[must_use]
    pub const fn new(format: KvFormat, layers: usize, kv_heads: usize, head_dim: usize) -> Self {
        Self { format, layers, kv_heads, head_dim, block_tokens: 32, blocks: 1 }
    }

    /// Sets the number of tokens of a block.
    #[must_use]
    pub const fn with_block_tokens(self, block_tokens: usize) -> Self {
        Self { block_tokens, ..self }
    }

    /// Sets the number of blocks of the pool.
    #[must_use]
    pub const fn with_blocks(self, blocks: usize) -> Self {
        Self { blocks, ..self }
    }

    /// Bytes that one block takes, all layers, keys and values together.
    ///
    /// # Errors
    /// [`Error::KvShape`] for an impossible shape.
    pub fn block_bytes(&self) -> Result<usize> {
        Ok(2 * Layout::new(&Self { blocks: 1, ..*self })?.bytes)
    }
}

/// One tile: 16 tokens of one head.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tile {
    /// Index of the layer.
    pub(crate) layer: usize,
    /// Block of the pool.
    pub(crate) block: usize,
    /// Index of the head of keys and values.
    pub(crate) kv_head: usize,
    /// Tile of the block.
    pub(crate) index: usize,
}

/// A checked shape with its sizes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Layout {
    /// The shape that was checked.
    pub(crate) config: KvConfig,
    /// Number of dimensions stored: head_dim and padding.
    pub(crate) dim: usize,
    /// Number of dimensions that share a scale; 0 for floats.
    pub(crate) group: usize,
    /// Bytes of all tiles of the keys; the values have as many.
    pub(crate) bytes: usize,
}

impl Layout {
    /// Checks a shape and computes its sizes.
    ///
    /// # Errors
    /// [`Error::KvShape`] with all that is wrong.
    pub(crate) fn new(config: &KvConfig) -> Result<Self> {
        let mut problems = Vec::new();
        for (name, value) in
            [("layers", config.layers), ("kv_heads", config.kv_heads), ("blocks", config.blocks)]
        {
            if value == 0 || u32::try_from(value).is_err() {
                problems.push(format!("{name}: found {value}, expected 1 to {}", u32::MAX));
            }
        }
        if config.head_dim == 0 || config.head_dim > MAX_HEAD_DIM || config.head_dim % 2 == 1 {
            let found = config.head_dim;
            problems.push(format!("head_dim: found {found}, expected an even number up to {MAX_HEAD_DIM}"));
        }
        let tokens = config.block_tokens;
        if tokens == 0 || tokens > MAX_BLOCK_TOKENS || !tokens.is_multiple_of(TILE) {
            problems.push(format!(
                "block_tokens: found {tokens}, expected a multiple of {TILE} up to {MAX_BLOCK_TOKENS}"
            ));
        }
        if !problems.is_empty() {
            return Err(Error::KvShape { problems });
        }
        let step = if config.format.bits() == 4 { 32 } else { 16 };
        let dim = config.head_dim.next_multiple_of(step);
        let group = match config.format {
            KvFormat::F32 | KvFormat::F16 => 0,
            KvFormat::Int8 | KvFormat::Int4Plain => dim,
            KvFormat::Int4 => 32,
        };
        let mut layout = Self { config: *config, dim, group, bytes: 0 };
        layout.bytes = [config.layers, config.blocks, config.kv_heads, layout.tiles(), layout.tile_bytes()]
            .into_iter()
            .try_fold(1_usize, usize::checked_mul)
            .filter(|bytes| *bytes <= isize::MAX as usize / 2)
            .ok_or_else(|| Error::KvShape { problems: vec!["larger than the address space".to_owned()] })?;
        Ok(layout)
    }

    /// Number of tiles of a block of one head.
    pub(crate) const fn tiles(&self) -> usize {
        self.config.block_tokens / TILE
    }

    /// Number of scales of a token.
    pub(crate) const fn groups(&self) -> usize {
        match self.dim.checked_div(self.group) {
            Some(groups) => groups,
            None => 0,
        }
    }

    /// Bytes of a token's numbers or codes.
    pub(crate) const fn code_bytes(&self) -> usize {
        self.dim * self.config.format.bits() / 8
    }

    /// Bytes of a tile: codes, then scales.
    pub(crate) const fn tile_bytes(&self) -> usize {
        TILE * (self.code_bytes() + 4 * self.groups())
    }

    /// Offset of a tile in the map, in bytes; the caller checks the block.
    pub(crate) const fn offset(&self, tile: Tile) -> usize {
        let Tile { layer, block, kv_head, index } = tile;
        let block = layer * self.config.blocks + block;
        ((block * self.config.kv_heads + kv_head) * self.tiles() + index) * self.tile_bytes()
    }
}
