//! [`PrefixIndex`]: which blocks hold the keys and values of which tokens after which other tokens.
//!
//! A tree: the children of a block are the blocks that continue it, found by comparing their tokens. Nothing depends
//! on a hash, so two prompts are never taken for each other. (Zheng et al., "SGLang: Efficient Execution of Structured
//! Language Model Programs", 2024, calls it a radix tree; upstream's `BlockTrie`,
//! `lmdeploy/pytorch/paging/block_trie.py`.)

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use internlm_model::TokenId;

use super::BlockId;

/// Whose blocks may be shared: the sequences of one scope see each other's and nobody else's.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Scope {
    /// Separates tenants, who must not find out what others have asked (`cache_salt`).
    pub(crate) salt: Option<Arc<str>>,
    /// Separates groups of requests where only those of one group share.
    pub(crate) group: Option<u64>,
}

/// What comes before a block.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Parent {
    /// The block is the first one of its sequences.
    Start(Scope),
    /// The block follows this full one.
    Block(BlockId),
}

/// The place of a block in the index: what comes before it, and which tokens it holds.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Link {
    pub(crate) parent: Parent,
    pub(crate) tokens: Arc<[TokenId]>,
}

/// Blocks with the same parent, in the order of their tokens.
type Children = BTreeMap<Arc<[TokenId]>, BlockId>;

/// One block of the index.
#[derive(Clone, Debug)]
struct Node {
    link: Link,
    children: Children,
}

/// The tree of all blocks that may be shared. Invariant: the parent of an indexed block is indexed.
#[derive(Clone, Debug)]
pub(crate) struct PrefixIndex {
    starts: BTreeMap<Scope, Children>,
    /// By the number of the block; none for blocks that are not indexed.
    nodes: Vec<Option<Node>>,
}

impl PrefixIndex {
    /// An empty index over `blocks` blocks.
    pub(crate) fn new(blocks: usize) -> Self {
        Self { starts: BTreeMap::new(), nodes: vec![None; blocks] }
    }

    /// Whether others can find `block`.
    pub(crate) fn contains(&self, block: BlockId) -> bool {
        self.nodes[block.index()].is_some()
    }

    /// The place of an indexed block.
    pub(crate) fn link(&self, block: BlockId) -> Option<&Link> {
        self.nodes[block.index()].as_ref().map(|node| &node.link)
    }

    /// The block after `parent` that holds exactly `tokens`.
    pub(crate) fn child(&self, parent: &Parent, tokens: &[TokenId]) -> Option<BlockId> {
        self.children(parent)?.get(tokens).copied()
    }

    /// The block after `parent` that begins with the most of `tokens`, and how many of them; at least one.
    pub(crate) fn closest(&self, parent: &Parent, tokens: &[TokenId]) -> Option<(BlockId, usize)> {
        let children = self.children(parent)?;
        // In the order of tokens, what has the longest beginning in common comes just before or just after.
        let before = children.range::<[TokenId], _>((Bound::Unbounded, Bound::Included(tokens))).next_back();
        let after = children.range::<[TokenId], _>((Bound::Excluded(tokens), Bound::Unbounded)).next();
        let shared = |(found, block): (&Arc<[TokenId]>, &BlockId)| {
            (*block, found.iter().zip(tokens).take_while(|(a, b)| a == b).count())
        };
        let (before, after) = (before.map(shared), after.map(shared));
        let best = before.into_iter().chain(after).max_by_key(|(_, shared)| *shared);
        best.filter(|(_, shared)| *shared > 0)
    }

    /// Adds a block.
    ///
    /// # Panics
    /// When the block is indexed already, its place is taken, or its parent is not indexed.
    pub(crate) fn insert(&mut self, block: BlockId, link: Link) {
        assert!(!self.contains(block), "a block has one place in the index");
        let siblings = match &link.parent {
            Parent::Start(scope) => self.starts.entry(scope.clone()).or_default(),
            Parent::Block(parent) => {
                let parent = self.nodes[parent.index()].as_mut().expect("the parent of a block is indexed");
                &mut parent.children
            }
        };
        let old = siblings.insert(Arc::clone(&link.tokens), block);
        assert!(old.is_none(), "a place in the index has one block");
        self.nodes[block.index()] = Some(Node { link, children: Children::new() });
    }

    /// Removes a block; does nothing when it is not indexed.
    ///
    /// # Panics
    /// When other blocks follow it: they could never be found again.
    pub(crate) fn remove(&mut self, block: BlockId) {
        let Some(Node { link, children }) = self.nodes[block.index()].take() else { return };
        assert!(children.is_empty(), "children leave the index before their parents");
        match &link.parent {
            Parent::Start(scope) => {
                if let Some(siblings) = self.starts.get_mut(scope) {
                    siblings.remove(&link.tokens);
                    if siblings.is_empty() {
                        self.starts.remove(scope);
                    }
                }
            }
            Parent::Block(parent) => {
                if let Some(parent) = self.nodes[parent.index()].as_mut() {
                    parent.children.remove(&link.tokens);
                }
            }
        }
    }

    fn children(&self, parent: &Parent) -> Option<&Children> {
        match parent {
            Parent::Start(scope) => self.starts.get(scope),
            Parent::Block(parent) => self.nodes[parent.index()].as_ref().map(|node| &node.children),
        }
    }

    /// Every broken invariant, for tests; empty when all hold.
    pub(crate) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for (number, node) in (0..).zip(&self.nodes) {
            let Some(Node { link, .. }) = node else { continue };
            if self.child(&link.parent, &link.tokens) != Some(BlockId(number)) {
                problems.push(format!("block {number}: cannot be found at its place"));
            }
        }
        let below: usize = self.nodes.iter().flatten().map(|node| node.children.len()).sum();
        let placed = below + self.starts.values().map(Children::len).sum::<usize>();
        let indexed = self.nodes.iter().flatten().count();
        if placed != indexed {
            problems.push(format!("{placed} places in the index, {indexed} blocks"));
        }
        problems
    }
}

#[cfg(test)]
mod tests;
