//! [`BlockPool`]: which blocks of the key-value cache are free, held, or kept for their contents.
//!
//! Only numbers: the pool knows no tensor. Blocks are the pages of Kwon et al., "Efficient Memory Management
//! for Large Language Model Serving with PagedAttention" (2023); upstream's `BlockManager`
//! (`lmdeploy/pytorch/paging/block_manager`).

use std::collections::BTreeSet;

/// Names one block of the key-value cache by its place, counted from 0.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct BlockId(pub u32);

impl BlockId {
    /// Its place in the cache's storage, in blocks.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What becomes of a block when its last holder gives it up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Contents {
    /// Nobody will look for them: the block is free.
    Worthless,
    /// They may be asked for again: the block is kept until its room is needed.
    Kept,
}

/// Free, held and kept blocks. Invariant: every block is exactly one of the three.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct BlockPool {
    /// Blocks without contents; the last one is given out first.
    free: Vec<BlockId>,
    /// Number of holders of each block.
    holders: Vec<u32>,
    /// When the last holder gave the block up, for each block that is kept.
    given_up: Vec<Option<u64>>,
    /// The kept blocks, least recently held first.
    kept: BTreeSet<(u64, BlockId)>,
    /// Number of blocks that have been kept so far.
    clock: u64,
}

impl BlockPool {
    /// A pool of `total` free blocks.
    ///
    /// # Panics
    /// When `total` does not fit into 32 bits.
    pub(crate) fn new(total: usize) -> Self {
        let count = u32::try_from(total).expect("a cache has fewer than 2^32 blocks");
        Self {
            free: (0..count).rev().map(BlockId).collect(),
            holders: vec![0; total],
            given_up: vec![None; total],
            kept: BTreeSet::new(),
            clock: 0,
        }
    }

    /// Number of blocks without contents.
    pub(crate) fn free(&self) -> usize {
        self.free.len()
    }

    /// Number of blocks that nobody holds and whose contents are kept.
    pub(crate) fn cached(&self) -> usize {
        self.kept.len()
    }

    /// Number of blocks that somebody holds.
    pub(crate) fn active(&self) -> usize {
        self.total() - self.free() - self.cached()
    }

    /// Number of all blocks.
    pub(crate) fn total(&self) -> usize {
        self.holders.len()
    }

    /// How many hold `block`.
    pub(crate) fn holders(&self, block: BlockId) -> u32 {
        self.holders[block.index()]
    }

    /// When the last holder of a kept block gave it up, on a clock that counts such moments.
    pub(crate) fn given_up(&self, block: BlockId) -> Option<u64> {
        self.given_up[block.index()]
    }

    /// Takes a free block, with one holder.
    pub(crate) fn take(&mut self) -> Option<BlockId> {
        let block = self.free.pop()?;
        self.holders[block.index()] = 1;
        Some(block)
    }

    /// Adds a holder to a block that is held or kept.
    ///
    /// # Panics
    /// When the block is free: its contents may be anything.
    pub(crate) fn hold(&mut self, block: BlockId) {
        if self.holders(block) == 0 {
            let stamp = self.given_up[block.index()].take().expect("a block without contents is not shared");
            self.kept.remove(&(stamp, block));
        }
        self.holders[block.index()] += 1;
    }

    /// Removes a holder; `contents` says what becomes of the block when it was the last one.
    ///
    /// # Panics
    /// When nobody holds the block: two sequences would soon write to it.
    pub(crate) fn release(&mut self, block: BlockId, contents: Contents) {
        let holders = &mut self.holders[block.index()];
        *holders = holders.checked_sub(1).expect("a block is released once by each holder");
        if *holders > 0 {
            return;
        }
        match contents {
            Contents::Worthless => self.free.push(block),
            Contents::Kept => {
                self.clock += 1;
                self.given_up[block.index()] = Some(self.clock);
                self.kept.insert((self.clock, block));
            }
        }
    }

    /// The kept block that nobody has held for the longest time.
    pub(crate) fn oldest(&self) -> Option<BlockId> {
        self.kept.first().map(|(_, block)| *block)
    }

    /// Frees a kept block.
    ///
    /// # Panics
    /// When the block is not kept.
    pub(crate) fn discard(&mut self, block: BlockId) {
        let stamp = self.given_up[block.index()].take().expect("only kept blocks are discarded");
        self.kept.remove(&(stamp, block));
        self.free.push(block);
    }

    /// Every broken invariant, for tests; empty when all hold.
    pub(crate) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut listed = vec![0_u32; self.total()];
        for block in &self.free {
            listed[block.index()] += 1;
        }
        for (stamp, block) in &self.kept {
            if self.given_up(*block) != Some(*stamp) {
                problems.push(format!("{block:?}: kept since {stamp} and {:?}", self.given_up(*block)));
            }
        }
        for (index, (&listed, &holders)) in listed.iter().zip(&self.holders).enumerate() {
            let kept = u32::from(self.given_up[index].is_some());
            if listed + kept + holders.min(1) != 1 {
                problems.push(format!("block {index}: {listed} times free, {kept} kept, {holders} holders"));
            }
        }
        if self.given_up.iter().flatten().count() != self.kept.len() {
            problems.push(format!("{} blocks are in the order of kept blocks", self.kept.len()));
        }
        problems
    }
}

#[cfg(test)]
mod tests;
