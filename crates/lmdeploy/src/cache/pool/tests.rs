//! The pool under random takes, holds and releases, compared with a list of holders.

use proptest::prelude::*;

use super::*;

/// One thing that a scheduler does to a pool; numbers choose among the blocks that it can be done to.
#[derive(Clone, Copy, Debug)]
enum Action {
    Take,
    Hold(usize),
    Release(usize, Contents),
    DiscardOldest,
}

fn action() -> impl Strategy<Value = Action> {
    let contents = prop_oneof![Just(Contents::Worthless), Just(Contents::Kept)];
    prop_oneof![
        Just(Action::Take),
        any::<usize>().prop_map(Action::Hold),
        (any::<usize>(), contents).prop_map(|(place, contents)| Action::Release(place, contents)),
        Just(Action::DiscardOldest),
    ]
}

/// The definition: holders of each block, and the kept ones in the order in which they were given up.
struct Plain {
    holders: Vec<u32>,
    kept: Vec<BlockId>,
}

impl Plain {
    /// The block at `place`, modulo their number, among those with or without holders; kept ones count as either.
    fn pick(&self, place: usize, wanted: impl Fn(&Self, BlockId) -> bool) -> Option<BlockId> {
        let all = (0..self.holders.len() as u32).map(BlockId);
        let fitting: Vec<BlockId> = all.filter(|block| wanted(self, *block)).collect();
        (!fitting.is_empty()).then(|| fitting[place % fitting.len()])
    }

    fn held(&self, block: BlockId) -> bool {
        self.holders[block.index()] > 0
    }

    fn apply(&mut self, pool: &mut BlockPool, action: Action) {
        match action {
            Action::Take => {
                let free = self.holders.len() - self.kept.len();
                let free = free - self.holders.iter().filter(|holders| **holders > 0).count();
                let block = pool.take();
                assert_eq!(block.is_some(), free > 0, "a block is there when one is free");
                if let Some(block) = block {
                    assert!(!self.held(block) && !self.kept.contains(&block), "it was free");
                    self.holders[block.index()] = 1;
                }
            }
            Action::Hold(place) => {
                let sharable = |plain: &Self, block| plain.held(block) || plain.kept.contains(&block);
                if let Some(block) = self.pick(place, sharable) {
                    pool.hold(block);
                    self.kept.retain(|kept| *kept != block);
                    self.holders[block.index()] += 1;
                }
            }
            Action::Release(place, contents) => {
                if let Some(block) = self.pick(place, Self::held) {
                    pool.release(block, contents);
                    self.holders[block.index()] -= 1;
                    if !self.held(block) && contents == Contents::Kept {
                        self.kept.push(block);
                    }
                }
            }
            Action::DiscardOldest => {
                assert_eq!(pool.oldest(), self.kept.first().copied());
                if let Some(block) = pool.oldest() {
                    pool.discard(block);
                    self.kept.remove(0);
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn every_block_is_free_held_or_kept(
        total in 0..12_usize,
        actions in prop::collection::vec(action(), 0..80),
    ) {
        let mut pool = BlockPool::new(total);
        let mut plain = Plain { holders: vec![0; total], kept: Vec::new() };
        for action in actions {
            plain.apply(&mut pool, action);
            let active = plain.holders.iter().filter(|holders| **holders > 0).count();
            prop_assert_eq!((pool.active(), pool.cached()), (active, plain.kept.len()));
            prop_assert_eq!(pool.free() + pool.cached() + pool.active(), pool.total());
            prop_assert_eq!(pool.problems(), Vec::<String>::new());
        }
    }
}

#[test]
fn the_block_that_was_freed_last_comes_first() {
    let mut pool = BlockPool::new(3);
    assert_eq!((pool.take(), pool.take()), (Some(BlockId(0)), Some(BlockId(1))));
    pool.release(BlockId(0), Contents::Worthless);
    assert_eq!(pool.take(), Some(BlockId(0)), "its memory is most likely still in a cache");
}

#[test]
#[should_panic(expected = "a block is released once by each holder")]
fn releasing_a_free_block_is_a_broken_invariant() {
    BlockPool::new(1).release(BlockId(0), Contents::Worthless);
}

#[test]
#[should_panic(expected = "a block without contents is not shared")]
fn sharing_a_free_block_is_a_broken_invariant() {
    BlockPool::new(1).hold(BlockId(0));
}
