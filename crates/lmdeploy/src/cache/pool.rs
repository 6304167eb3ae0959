//! [`BlockPool`]: which blocks of the key-value cache are free.
//!
//! Only numbers: the pool knows no tensor. Blocks are the pages of Kwon et al., "Efficient Memory Management
//! for Large Language Model Serving with PagedAttention" (2023); upstream's `BlockManager`
//! (`lmdeploy/pytorch/paging/block_manager`).

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

/// Free and active blocks. Invariant: every block is either held by exactly one sequence or in the free list once.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct BlockPool {
    /// Blocks that nobody holds; the last one is given out first.
    free: Vec<BlockId>,
    /// Whether a sequence holds the block, for each block.
    held: Vec<bool>,
}

impl BlockPool {
    /// A pool of `total` free blocks.
    ///
    /// # Panics
    /// When `total` does not fit into 32 bits.
    pub(crate) fn new(total: usize) -> Self {
        let total = u32::try_from(total).expect("a cache has fewer than 2^32 blocks");
        Self { free: (0..total).rev().map(BlockId).collect(), held: vec![false; total as usize] }
    }

    /// Number of blocks that nobody holds.
    pub(crate) fn free(&self) -> usize {
        self.free.len()
    }

    /// Number of blocks that sequences hold.
    pub(crate) fn active(&self) -> usize {
        self.total() - self.free()
    }

    /// Number of all blocks.
    pub(crate) fn total(&self) -> usize {
        self.held.len()
    }

    /// Whether a sequence holds `block`.
    pub(crate) fn is_held(&self, block: BlockId) -> bool {
        self.held[block.index()]
    }

    /// Takes `count` blocks. When fewer are free it takes none.
    pub(crate) fn allocate(&mut self, count: usize) -> Option<Vec<BlockId>> {
        let rest = self.free.len().checked_sub(count)?;
        let mut blocks = self.free.split_off(rest);
        blocks.reverse();
        for block in &blocks {
            self.held[block.index()] = true;
        }
        Some(blocks)
    }

    /// Gives a block back.
    ///
    /// # Panics
    /// When nobody holds the block: two sequences would soon write to it.
    pub(crate) fn release(&mut self, block: BlockId) {
        let held = std::mem::replace(&mut self.held[block.index()], false);
        assert!(held, "a block is released once");
        self.free.push(block);
    }

    /// Every broken invariant, for tests and debug assertions; empty when all hold.
    pub(crate) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut listed = vec![0_u32; self.total()];
        for block in &self.free {
            listed[block.index()] += 1;
        }
        for (index, (&listed, &held)) in listed.iter().zip(&self.held).enumerate() {
            if listed != u32::from(!held) {
                problems.push(format!("block {index}: held is {held}, {listed} times in the free list"));
            }
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// One thing that a scheduler does to a pool.
    #[derive(Clone, Copy, Debug)]
    enum Action {
        Allocate(usize),
        /// Gives back the block at this place among the held ones.
        Release(usize),
    }

    fn action() -> impl Strategy<Value = Action> {
        prop_oneof![(0..6_usize).prop_map(Action::Allocate), any::<usize>().prop_map(Action::Release)]
    }

    proptest! {
        #[test]
        fn blocks_are_held_once_and_none_is_lost(
            total in 0..20_usize,
            actions in prop::collection::vec(action(), 0..60),
        ) {
            let mut pool = BlockPool::new(total);
            let mut held = BTreeSet::new();
            for action in actions {
                match action {
                    Action::Allocate(count) => match pool.allocate(count) {
                        Some(blocks) => {
                            prop_assert_eq!(blocks.len(), count);
                            for block in blocks {
                                prop_assert!(block.index() < total && held.insert(block), "{:?} twice", block);
                            }
                        }
                        None => prop_assert!(count > total - held.len(), "there was room"),
                    },
                    Action::Release(place) if !held.is_empty() => {
                        let block = *held.iter().nth(place % held.len()).expect("below the length");
                        held.remove(&block);
                        pool.release(block);
                    }
                    Action::Release(_) => {}
                }
                prop_assert_eq!((pool.free(), pool.active()), (total - held.len(), held.len()));
                prop_assert!((0..total as u32).all(|id| pool.is_held(BlockId(id)) == held.contains(&BlockId(id))));
                prop_assert_eq!(pool.problems(), Vec::<String>::new());
            }
        }
    }

    #[test]
    fn a_failed_allocation_takes_nothing_and_the_last_released_block_comes_first() {
        let mut pool = BlockPool::new(3);
        assert_eq!(pool.allocate(2), Some(vec![BlockId(0), BlockId(1)]));
        assert_eq!(pool.allocate(2), None);
        assert_eq!(pool.free(), 1);
        pool.release(BlockId(0));
        assert_eq!(pool.allocate(1), Some(vec![BlockId(0)]), "its memory is most likely still in a cache");
    }

    #[test]
    #[should_panic(expected = "a block is released once")]
    fn releasing_a_free_block_is_a_broken_invariant() {
        BlockPool::new(1).release(BlockId(0));
    }
}
