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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_of_prose_count_with_all_their_characters() {
        let prose =
            TextStatistics { characters: 90, linked: 9, words: 20, sentence_ends: 1, ..Default::default() };
        assert_eq!(Sums::of_block(&prose), Sums { characters: 90, linked: 9, prose: 90, blocks: 1 });
        let menu = TextStatistics { linked: 80, ..prose };
        assert_eq!(Sums::of_block(&menu), Sums { characters: 90, linked: 80, prose: 0, blocks: 1 });
        let mut both = Sums::of_block(&prose);
        both.add(Sums::of_block(&menu));
        assert_eq!(both, Sums { characters: 180, linked: 89, prose: 90, blocks: 2 });
    }
}
