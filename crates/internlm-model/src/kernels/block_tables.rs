//! Where keys and values are stored in blocks, and how: [`KeyLayout`], [`KeyFormat`], [`BlockTables`], [`KeyCopy`].

use crate::heads::HeadShape;
use crate::positions::Run;

/// How keys and values are stored on a device.
///
/// Codes follow the rule of the CPU core's `int8` and `int4`: a code q stands for `scale * q + minimum`, scale and minimum
/// are halves, and keys and values of 4 bits are rotated by a Hadamard matrix first.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum KeyFormat {
    /// Floats of 32 bits.
    #[default]
    F32,
    /// Floats of 16 bits with the exponents of f32, two in a word.
    Bf16,
    /// Halves, two in a word.
    F16,
    /// 8 bits, with a scale and a minimum per token and head.
    Int8,
    /// 4 bits, with a scale and a minimum per 32 numbers.
    Int4,
}

/// Numbers that share a scale at 4 bits.
const INT4_GROUP: usize = 32;

impl KeyFormat {
    /// Number of bits of a stored number.
    #[must_use]
    pub const fn bits(self) -> usize {
        match self {
            Self::F32 => 32,
            Self::Bf16 | Self::F16 => 16,
            Self::Int8 => 8,
            Self::Int4 => 4,
        }
    }

    /// Number of words of 32 bits that hold the numbers of one key of `d` numbers.
    const fn words(self, d: usize) -> usize {
        d * self.bits() / 32
    }

    /// Number of words that hold the scale and the minimum of each group of one key.
    const fn scales(self, d: usize) -> usize {
        match self {
            Self::F32 | Self::Bf16 | Self::F16 => 0,
            Self::Int8 => 1,
            Self::Int4 => d / INT4_GROUP,
        }
    }
}

/// Sizes of one layer's storage: a row per block, `[K | V][kv_head][slot][d]`. Codes are packed into words of 32 bits,
/// the lowest bits first, and those of the whole block come before the scales, `[K | V][kv_head][slot][group]`, each a
/// word with the scale in its lower half and the minimum in its upper one.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct KeyLayout {
    /// Query heads, key and value heads.
    pub shape: HeadShape,
    /// Number d of numbers per head.
    pub head_dim: usize,
    /// Number of tokens whose keys and values a block holds.
    pub block_tokens: usize,
    /// How a number is stored.
    pub format: KeyFormat,
}

impl KeyLayout {
    /// Number of words of 32 bits in one block.
    #[must_use]
    pub const fn block_words(self) -> usize {
        self.rows() * (self.row_words() + self.row_scales())
    }

    /// Number of keys and values in one block.
    pub(crate) const fn rows(self) -> usize {
        2 * self.shape.kv_heads * self.block_tokens
    }

    /// Number of words that hold the numbers of one key.
    pub(crate) const fn row_words(self) -> usize {
        self.format.words(self.head_dim)
    }

    /// Number of words that hold the scales of one key.
    pub(crate) const fn row_scales(self) -> usize {
        self.format.scales(self.head_dim)
    }
}

/// The new tokens of several sequences, and the blocks of each sequence: position p is in block `p / block_tokens` at slot
/// `p % block_tokens`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct BlockTables {
    runs: Vec<Run>,
    blocks: Vec<Vec<u32>>,
}

impl BlockTables {
    /// Sequences in the order of their tokens; blocks beyond the last token are allowed.
    ///
    /// # Panics
    /// When there is not one list of blocks per run.
    pub(crate) fn new(runs: Vec<Run>, blocks: Vec<Vec<u32>>) -> Self {
        assert_eq!(runs.len(), blocks.len(), "every sequence has its blocks");
        Self { runs, blocks }
    }

    /// Each sequence's new tokens and blocks.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Run, &[u32])> {
        self.runs.iter().zip(&self.blocks).map(|(run, blocks)| (*run, blocks.as_slice()))
    }

    /// Number of new tokens.
    pub(crate) fn tokens(&self) -> usize {
        self.runs.iter().map(|run| run.tokens).sum()
    }

    /// The number after the largest block.
    pub(crate) fn end(&self) -> usize {
        self.blocks.iter().flatten().max().map_or(0, |block| *block as usize + 1)
    }
}

/// A copy of the first keys and values of a block.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct KeyCopy {
    /// The block to copy from.
    pub from: u32,
    /// The block to copy to.
    pub to: u32,
    /// Number of tokens to copy.
    pub tokens: u32,
}

/// Cuts copies, which are made in order, into groups that can be made at once: no block that a group writes is in another
/// of its copies.
pub(crate) fn independent(copies: &[KeyCopy]) -> Vec<&[KeyCopy]> {
    let mut groups = Vec::new();
    let mut start = 0;
    for (index, copy) in copies.iter().enumerate() {
        let meets = |other: &KeyCopy| other.to == copy.to || other.to == copy.from || other.from == copy.to;
        if copies[start..index].iter().any(meets) {
            groups.push(&copies[start..index]);
            start = index;
        }
    }
    groups.push(&copies[start..]);
    groups.retain(|group| !group.is_empty());
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_have_the_sizes_of_their_formats() {
        let words = |format, head_dim| {
            let shape = HeadShape { heads: 8, kv_heads: 2 };
            KeyLayout { shape, head_dim, block_tokens: 16, format }.block_words()
        };
        let rows = 2 * 2 * 16;
        assert_eq!(words(KeyFormat::F32, 128), rows * 128);
        assert_eq!(words(KeyFormat::Int8, 128), rows * (32 + 1));
        assert_eq!(words(KeyFormat::Int4, 128), rows * (16 + 4));
        assert_eq!(words(KeyFormat::Int8, 80), rows * (20 + 1));
    }

    #[test]
    fn copies_that_meet_are_made_one_after_the_other() {
        let copies = |pairs: &[(u32, u32)]| -> Vec<KeyCopy> {
            pairs.iter().map(|&(from, to)| KeyCopy { from, to, tokens: 1 }).collect()
        };
        let sizes = |pairs: &[(u32, u32)]| -> Vec<usize> {
            independent(&copies(pairs)).iter().map(|group| group.len()).collect()
        };
        assert_eq!(sizes(&[]), [0; 0]);
        assert_eq!(sizes(&[(0, 1), (0, 2), (3, 4)]), [3]);
        assert_eq!(sizes(&[(0, 1), (1, 2)]), [1, 1]);
        assert_eq!(sizes(&[(0, 1), (2, 0), (3, 4), (5, 4)]), [1, 2, 1]);
    }
}
