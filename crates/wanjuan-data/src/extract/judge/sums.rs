//! [`Sums`]: how much text, and of what kind, is below an element or on a page.

use super::text_statistics::TextStatistics;

/// Counts that can be added up.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Sums {
    /// Code points that are not white space.
    pub(crate) characters: u32,
    /// Those of them inside links.
    pub(crate) linked: u32,
    /// Those of them in blocks of prose.
    pub(crate) prose: u32,
    /// Number of blocks.
    pub(crate) blocks: u32,
}

impl Sums {
    /// The counts of one block.
    pub(crate) fn of_block(text: &TextStatistics) -> Self {
        let prose = if text.is_prose() { text.characters } else { 0 };
        Self { characters: text.characters, linked: text.linked, prose, blocks: 1 }
    }

    /// Adds the counts of `other`.
    pub(crate) fn add(&mut self, other: Self) {
        self.characters += other.characters;
        self.linked += other.linked;
        self.prose += other.prose;
        self.blocks += other.blocks;
    }
}
