//! [`Survey`]: what is known of a whole page before the features of its blocks are computed.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use super::blocks::{Block, Blocks};
use super::fnv::Fnv;
use super::near::FAR;
use super::scaling::{log, share};
use super::sums::Sums;
use super::text_statistics::{TextStatistics, word_hashes};
use crate::extract::dom::Slot;

/// A block inside a heading of the first level is at most this many steps below it, less one.
const H1_STEPS: u8 = 8;

/// Blocks of fewer words are short.
const SHORT: u32 = 6;

/// Counts over the blocks that share a path (see [`Blocks::path`]).
#[derive(Clone, Copy, Default)]
pub(crate) struct Path {
    /// Number of blocks.
    pub(crate) blocks: u32,
    /// Their words.
    pub(crate) words: u32,
    /// Their characters.
    pub(crate) characters: u32,
    /// Their characters inside links.
    pub(crate) linked: u32,
    /// Characters of those that are prose.
    pub(crate) prose: u32,
}

/// Counts over a whole page.
pub(crate) struct Survey {
    /// By path.
    pub(crate) paths: HashMap<u64, Path, BuildHasherDefault<Fnv>>,
    /// How often each text occurs, by its hash.
    pub(crate) texts: HashMap<u64, u32, BuildHasherDefault<Fnv>>,
    /// Sums over all blocks.
    pub(crate) total: Sums,
    /// The features that all blocks of the page share.
    pub(crate) page: Vec<f32>,
    /// Number of different words in the title, at least 1.
    pub(crate) title_words: f32,
    /// For each block, the number of blocks to the next one of prose; `u32::MAX` if none follows.
    pub(crate) to_prose: Vec<u32>,
    /// The first block inside an `h1`.
    pub(crate) first_h1: Option<usize>,
    /// Number of `article` elements with text.
    pub(crate) articles: u32,
    /// Share of the text before the first comment.
    pub(crate) before_comments: f32,
}

impl Survey {
    /// Surveys a page.
    pub(crate) fn of(blocks: &Blocks) -> Self {
        let mut survey = Self {
            paths: HashMap::default(),
            texts: HashMap::default(),
            total: Sums::default(),
            page: Vec::new(),
            title_words: word_hashes(&blocks.signals.title).len().max(1) as f32,
            to_prose: vec![u32::MAX; blocks.list.len()],
            first_h1: None,
            articles: 0,
            before_comments: 1.0,
        };
        survey.look_backward(blocks);
        survey.look_forward(blocks);
        survey.page = survey.page_row(blocks);
        survey
    }

    /// From the last block to the first, so that distances to what follows are known.
    fn look_backward(&mut self, blocks: &Blocks) {
        let mut next_prose = None;
        for (at, block) in blocks.list.iter().enumerate().rev() {
            let text = &block.text;
            let sums = Sums::of_block(text);
            self.to_prose[at] = next_prose.map_or(u32::MAX, |next: usize| (next - at) as u32);
            if sums.prose > 0 {
                next_prose = Some(at);
            }
            self.total.add(sums);
            let path = self.paths.entry(blocks.path(block)).or_default();
            path.blocks += 1;
            path.words += text.words;
            path.characters += text.characters;
            path.linked += text.linked;
            path.prose += sums.prose;
            *self.texts.entry(text.hash).or_default() += 1;
            if blocks.innermost(block).near.steps(Slot::H1) < H1_STEPS {
                self.first_h1 = Some(at);
            }
        }
    }

    /// From the first block to the last; the sums must be complete.
    fn look_forward(&mut self, blocks: &Blocks) {
        let mut before = 0;
        let mut articles: Vec<u32> = Vec::new();
        for block in &blocks.list {
            let element = blocks.innermost(block);
            if element.near.is_inside(Slot::NamedComment) && self.before_comments == 1.0 {
                self.before_comments = share(before, self.total.characters);
            }
            before += block.text.characters;
            if articles.last() != element.article.as_ref() {
                articles.extend(element.article);
            }
        }
        articles.sort_unstable();
        articles.dedup();
        self.articles = articles.len() as u32;
    }

    /// The features of the page, in the order of [`super::columns`].
    fn page_row(&self, blocks: &Blocks) -> Vec<f32> {
        let total = self.total;
        let near = |slot: Slot, steps: u8| {
            let inside = |block: &&Block| blocks.innermost(block).near.steps(slot) <= steps;
            let sum: u32 = blocks.list.iter().filter(inside).map(|block| block.text.characters).sum();
            share(sum, total.characters)
        };
        let sum =
            |of: fn(&TextStatistics) -> u32| blocks.list.iter().map(|block| of(&block.text)).sum::<u32>();
        let short = blocks.list.iter().filter(|block| block.text.words < SHORT).count() as u32;
        let longest_path = self.paths.values().map(|path| path.characters).max().unwrap_or(0);
        // Practically anywhere above.
        let above = FAR - 2;
        let mut row = vec![
            log(total.characters),
            share(total.linked, total.characters),
            share(total.prose, total.characters),
            log(total.prose),
            log(total.blocks),
            share(longest_path, total.characters),
            share(short, total.blocks),
            near(Slot::Li, 4),
            near(Slot::Table, 8),
            near(Slot::Pre, 4),
            log(sum(|text| text.currencies)),
            log(sum(|text| text.years)),
            self.title_words,
            f32::from(blocks.signals.og_type),
            near(Slot::NamedPost, 8),
            near(Slot::NamedProduct, 12),
            near(Slot::Article, above),
            share(sum(|text| text.han), total.characters),
            log(self.articles),
            near(Slot::NamedComment, above),
            near(Slot::NamedReview, above),
            self.before_comments,
            near(Slot::Main, above),
        ];
        row.extend(blocks.signals.kinds.iter().map(|times| log(u32::from(*times))));
        row
    }
}
