//! [`PrefixCache`]: blocks that sequences share and that outlive them.
//!
//! Full blocks are shared: several sequences hold one. The last block of a sequence is not full; others may copy its
//! first tokens. The blocks of a sequence are given up last block first, so of the kept blocks the one that has not been
//! held for the longest time is never the parent of another one.

use internlm_model::TokenId;

use super::pool::Contents;
use super::prefix::{Link, Parent, PrefixIndex, Scope};
use super::{BlockId, BlockPool};

/// Whether blocks that nobody holds are kept for later sequences.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Retention {
    /// Until their room is needed.
    Keep,
    /// They are free at once: only sequences that run at the same time share.
    Drop,
}

/// The longest known beginning of some tokens. It is not held yet.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Found {
    /// Full blocks, in order.
    pub(crate) blocks: Vec<BlockId>,
    /// The block whose first tokens come next.
    pub(crate) tail: Option<Tail>,
}

/// A block of which only the first tokens fit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Tail {
    /// The block to copy from.
    pub(crate) from: BlockId,
    /// Number of tokens that fit; at least one and less than a block.
    pub(crate) tokens: usize,
}

/// Blocks and the index over their contents.
#[derive(Clone, Debug)]
pub(crate) struct PrefixCache {
    pool: BlockPool,
    index: PrefixIndex,
    block_tokens: usize,
    retention: Retention,
}

impl Found {
    /// Number of tokens that need not be computed.
    pub(crate) fn tokens(&self, block_tokens: usize) -> usize {
        self.blocks.len() * block_tokens + self.tail.map_or(0, |tail| tail.tokens)
    }
}

impl PrefixCache {
    /// A cache of `blocks` free blocks of `block_tokens` tokens each.
    pub(crate) fn new(blocks: usize, block_tokens: usize, retention: Retention) -> Self {
        let (pool, index) = (BlockPool::new(blocks), PrefixIndex::new(blocks));
        Self { pool, index, block_tokens, retention }
    }

    /// The blocks, for their numbers.
    pub(crate) fn pool(&self) -> &BlockPool {
        &self.pool
    }

    /// The place of a block that others can find.
    pub(crate) fn link(&self, block: BlockId) -> Option<&Link> {
        self.index.link(block)
    }

    /// Number of blocks that can be allocated.
    pub(crate) fn available(&self) -> usize {
        self.pool.free() + self.pool.cached()
    }

    /// The longest known beginning of `tokens`.
    pub(crate) fn find(&self, scope: &Scope, tokens: &[TokenId]) -> Found {
        let mut parent = Parent::Start(scope.clone());
        let mut blocks = Vec::new();
        for tokens in tokens.chunks_exact(self.block_tokens) {
            let Some(block) = self.index.child(&parent, tokens) else { break };
            blocks.push(block);
            parent = Parent::Block(block);
        }
        let rest = &tokens[blocks.len() * self.block_tokens..];
        let rest = &rest[..rest.len().min(self.block_tokens)];
        let tail = self.index.closest(&parent, rest).map(|(from, tokens)| Tail { from, tokens });
        Found { blocks, tail }
    }

    /// A block with one holder: a free one, or else the kept one that nobody has held for the longest time.
    pub(crate) fn allocate(&mut self) -> Option<BlockId> {
        if self.pool.free() == 0 {
            let oldest = self.pool.oldest()?;
            self.index.remove(oldest);
            self.pool.discard(oldest);
        }
        self.pool.take()
    }

    /// Frees every block that nobody holds: its contents are worth nothing any more.
    pub(crate) fn clear(&mut self) {
        // The oldest one has no children: they were given up before it.
        while let Some(oldest) = self.pool.oldest() {
            self.index.remove(oldest);
            self.pool.discard(oldest);
        }
    }

    /// Adds a holder to a block that is held or kept.
    pub(crate) fn hold(&mut self, block: BlockId) {
        self.pool.hold(block);
    }

    /// Removes a holder. A sequence gives up its last block first.
    pub(crate) fn release(&mut self, block: BlockId) {
        if self.pool.holders(block) == 1 && self.retention == Retention::Drop {
            self.index.remove(block);
        }
        let kept = self.index.contains(block);
        self.pool.release(block, if kept { Contents::Kept } else { Contents::Worthless });
    }

    /// Lets others share a full block. Gives the block to hold from now on: when one with the same contents is known,
    /// that one, and `block` is given up.
    pub(crate) fn publish(&mut self, block: BlockId, parent: Parent, tokens: &[TokenId]) -> BlockId {
        // Its first tokens may have been published before.
        self.index.remove(block);
        if let Some(same) = self.index.child(&parent, tokens) {
            self.pool.hold(same);
            self.pool.release(block, Contents::Worthless);
            return same;
        }
        self.index.insert(block, Link { parent, tokens: tokens.into() });
        block
    }

    /// Lets others copy the first tokens of a block that is not full; `tokens` is at least one.
    pub(crate) fn publish_tail(&mut self, block: BlockId, parent: Parent, tokens: &[TokenId]) {
        let known = self.index.closest(&parent, tokens).filter(|(_, shared)| *shared == tokens.len());
        if known.is_some_and(|(known, _)| known == block) {
            return;
        }
        self.index.remove(block);
        if known.is_none() {
            self.index.insert(block, Link { parent, tokens: tokens.into() });
        }
    }

    /// Every broken invariant, for tests; empty when all hold.
    pub(crate) fn problems(&self) -> Vec<String> {
        let mut problems = self.pool.problems();
        problems.extend(self.index.problems());
        for block in (0..self.pool.total() as u32).map(BlockId) {
            let (holders, given_up) = (self.pool.holders(block), self.pool.given_up(block));
            let Some(link) = self.index.link(block) else {
                if given_up.is_some() {
                    problems.push(format!("{block:?} is kept and nobody can find it"));
                }
                continue;
            };
            if holders == 0 && given_up.is_none() {
                problems.push(format!("{block:?} is free and can be found"));
            }
            let Parent::Block(parent) = link.parent else { continue };
            // A parent is held by everyone who holds a child, or was given up after it.
            let gone = self.pool.holders(parent) == 0 && self.pool.given_up(parent) < given_up;
            if self.pool.holders(parent) < holders || (given_up.is_some() && gone) {
                problems.push(format!("{block:?} outlives its parent {parent:?}"));
            }
            if self.index.link(parent).is_none_or(|link| link.tokens.len() != self.block_tokens) {
                problems.push(format!("{block:?}: its parent {parent:?} is not a full block"));
            }
        }
        problems
    }
}

#[cfg(test)]
mod tests;
