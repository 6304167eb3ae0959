//! [`Place`]: what is known of the text before a block, while the blocks are visited in order.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use super::blocks::Blocks;
use super::fnv::Fnv;
use super::scaling::share;
use super::text_statistics::TextStatistics;
use crate::extract::dom::Slot;

/// Value of a distance to something that has not come yet.
const NOT_YET: u32 = 99;

/// Steps up to a heading within which a block counts as its text.
const HEADING_STEPS: u8 = 3;

/// Slots of the headings, from the first level. The third slot covers all deeper levels.
const HEADINGS: [Slot; 3] = [Slot::H1, Slot::H2, Slot::H3];

/// Running counts up to the block that is being looked at.
#[derive(Default)]
pub(crate) struct Place {
    /// Characters before the block.
    pub(crate) characters: u32,
    /// Characters of prose before the block.
    pub(crate) prose: u32,
    /// Blocks since the last one of prose.
    pub(crate) since_prose: u32,
    /// Blocks since the last heading; 0 for a heading.
    pub(crate) since_heading: u32,
    /// Sum of the learned weights of the words of the last heading.
    pub(crate) heading_weight: f32,
    /// Level of the last heading, 1 to 3; 0 for none.
    pub(crate) heading_level: u8,
    /// Number of blocks of `h1` so far.
    pub(crate) h1: u32,
    /// Share of the words of the last `h1` that are in the title of the page.
    pub(crate) h1_title_share: f32,
    /// How often each text has occurred, by its hash.
    pub(crate) texts: HashMap<u64, u32, BuildHasherDefault<Fnv>>,
}

impl Place {
    /// To be called before the features of block `at` are computed.
    pub(crate) fn enter(&mut self, blocks: &Blocks, at: usize) {
        if at == 0 {
            (self.since_prose, self.since_heading) = (NOT_YET, NOT_YET);
        }
        let block = &blocks.list[at];
        let near = &blocks.innermost(block).near;
        let level = HEADINGS.iter().position(|heading| near.steps(*heading) <= HEADING_STEPS);
        if let Some(level) = level {
            self.since_heading = 0;
            self.heading_level = level as u8 + 1;
            self.heading_weight = block.text.weight_sum;
            if level == 0 {
                self.h1 += 1;
                self.h1_title_share = share(block.text.in_title, block.text.words);
            }
        } else {
            self.since_heading += 1;
        }
        self.since_prose += 1;
    }

    /// To be called after the features of the block with this text are computed.
    pub(crate) fn leave(&mut self, text: &TextStatistics) {
        self.characters += text.characters;
        *self.texts.entry(text.hash).or_default() += 1;
        if text.is_prose() {
            self.prose += text.characters;
            self.since_prose = 0;
        }
    }
}
