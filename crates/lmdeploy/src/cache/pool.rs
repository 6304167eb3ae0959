//! [`BlockPool`]: which blocks of the key-value cache are free and how many sequences hold each other one.
//!
//! Only numbers: the pool knows no tensor. Blocks are the pages of Kwon et al., "Efficient Memory Management
//! for Large Language Model Serving with PagedAttention" (2023); upstream's `BlockManager`
//! (`lmdeploy/pytorch/paging/block_manager`).

/// The index of one block of the key-value cache.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct BlockId(pub u32);

impl BlockId {
    /// Its place in the cache's storage, in blocks.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Free blocks and reference counts. Invariant: free + active = total, in every state.
///
/// ```
/// use lmdeploy::cache::BlockPool;
/// let mut pool = BlockPool::new(2);
/// let blocks = pool.allocate(2).expect("two are free");
/// assert!(pool.allocate(1).is_none());
/// for block in blocks {
///     pool.release(block);
/// }
/// assert_eq!((pool.free(), pool.active()), (2, 0));
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BlockPool {
    /// Blocks nobody holds; the last is given out first.
    free: Vec<BlockId>,
    /// Holders of each block.
    holders: Vec<u32>,
}

impl BlockPool {
    /// A pool of `total` free blocks.
    ///
    /// # Panics
    /// When `total` does not fit into 32 bits.
    #[must_use]
    pub fn new(total: usize) -> Self {
        let total = u32::try_from(total).expect("a cache has fewer than 2^32 blocks");
        Self { free: (0..total).rev().map(BlockId).collect(), holders: vec![0; total as usize] }
    }

    /// Blocks nobody holds.
    #[must_use]
    pub fn free(&self) -> usize {
        self.free.len()
    }

    /// Blocks somebody holds.
    #[must_use]
    pub fn active(&self) -> usize {
        self.total() - self.free()
    }

    /// All blocks.
    #[must_use]
    pub fn total(&self) -> usize {
        self.holders.len()
    }

    /// Takes `count` blocks with one holder each; all of them, or none and the pool stays as it is.
    pub fn allocate(&mut self, count: usize) -> Option<Vec<BlockId>> {
        let rest = self.free.len().checked_sub(count)?;
        let mut blocks = self.free.split_off(rest);
        blocks.reverse();
        for block in &blocks {
            self.holders[block.index()] = 1;
        }
        Some(blocks)
    }

    /// Adds a holder to an active block.
    ///
    /// # Panics
    /// When nobody holds the block.
    pub fn retain(&mut self, block: BlockId) {
        let holders = &mut self.holders[block.index()];
        assert!(*holders > 0, "only a held block can get another holder");
        *holders += 1;
    }

    /// Takes a holder away; the block is free when it was the last one.
    ///
    /// # Panics
    /// When nobody holds the block.
    pub fn release(&mut self, block: BlockId) {
        let holders = &mut self.holders[block.index()];
        assert!(*holders > 0, "a block is released once per holder");
        *holders -= 1;
        if *holders == 0 {
            self.free.push(block);
        }
    }

    /// How many sequences hold `block`.
    #[must_use]
    pub fn holders(&self, block: BlockId) -> u32 {
        self.holders[block.index()]
    }

    /// Every broken invariant, for tests and debug assertions; empty when all hold.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut listed = vec![0_u32; self.total()];
        for block in &self.free {
            listed[block.index()] += 1;
        }
        for (index, (&listed, &holders)) in listed.iter().zip(&self.holders).enumerate() {
            if listed != u32::from(holders == 0) {
                problems.push(format!("block {index}: {holders} holders, {listed} times in the free list"));
            }
        }
        problems
    }
}
