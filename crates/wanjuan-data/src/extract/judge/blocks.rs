//! [`Blocks`]: a page as a sequence of blocks, the units that are kept or dropped.
//!
//! A block is the text between two borders of block-level elements (or two line breaks in a row).

use std::ops::Range;

use super::elements::{ElementInfo, Elements};
use super::page_signals::PageSignals;
use super::sums::Sums;
use super::text_statistics::TextStatistics;
use crate::extract::dom::{Dom, NodeId};

/// Number of containers around a block that are looked at.
pub(crate) const LEVELS: usize = 4;

/// An element around a block, together with all wrappers around the same text.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Container {
    /// Counts over its text.
    pub(crate) sums: Sums,
    /// Greatest number of like siblings among the wrappers.
    pub(crate) alike: u16,
    /// Greatest number of like siblings before one of the wrappers.
    pub(crate) alike_before: u16,
    /// Number of the innermost wrapper.
    pub(crate) element: u32,
}

/// One block.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    /// Number of the block-level element around it.
    pub(crate) container: u32,
    /// Number of the element right around its first text.
    pub(crate) innermost: u32,
    /// Its text nodes, as positions in [`Blocks::texts`].
    pub(crate) texts: Range<u32>,
    /// Counts over its text.
    pub(crate) text: TextStatistics,
    /// The containers around it, from the inside.
    pub(crate) containers: [Container; LEVELS],
}

/// A page cut into blocks.
#[derive(Debug)]
pub(crate) struct Blocks {
    /// The blocks in document order.
    pub(crate) list: Vec<Block>,
    /// The text nodes of all blocks in document order.
    pub(crate) texts: Vec<NodeId>,
    /// The elements around them.
    pub(crate) elements: Elements,
    /// Elements that are never shown as text, and those the user excluded.
    pub(crate) unseen: Vec<NodeId>,
    /// What the page says about itself.
    pub(crate) signals: PageSignals,
}

impl Blocks {
    /// The element right around the first text of a block.
    pub(crate) fn innermost(&self, block: &Block) -> &ElementInfo {
        self.elements.get(block.innermost)
    }

    /// Text nodes of a block.
    pub(crate) fn nodes(&self, block: &Block) -> &[NodeId] {
        &self.texts[block.texts.start as usize..block.texts.end as usize]
    }

    /// Text of a block, white space as in the source.
    pub(crate) fn text(&self, dom: &Dom, block: &Block) -> String {
        self.nodes(block).iter().filter_map(|id| dom.text(*id)).collect()
    }

    /// Hash of the tags and classes right around a block: blocks in like places have the same path.
    pub(crate) fn path(&self, block: &Block) -> u64 {
        self.innermost(block).signature
    }
}
