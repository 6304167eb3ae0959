//! Where keys and values are stored in blocks: [`KeyLayout`], [`BlockTables`], [`KeyCopy`].

use crate::heads::HeadShape;
use crate::positions::Run;

/// Sizes of one layer's storage: a row per block, `[K | V][kv_head][slot][d]`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct KeyLayout {
    /// Query heads, key and value heads.
    pub shape: HeadShape,
    /// Number d of numbers per head.
    pub head_dim: usize,
    /// Number of tokens whose keys and values a block holds.
    pub block_tokens: usize,
}

impl KeyLayout {
    /// Number of numbers in one block.
    #[must_use]
    pub fn block_numbers(self) -> usize {
        2 * self.shape.kv_heads * self.block_tokens * self.head_dim
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
