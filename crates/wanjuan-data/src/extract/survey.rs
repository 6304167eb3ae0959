//! [`Survey`] and [`Place`]: what is known of a whole page, and of what lies before a block.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::LazyLock;

use super::blocks::{Block, Blocks};
use super::class_words::Fnv;
use super::containers::path_of;
use super::elements::{FAR, Sums, slot_names};
use super::text_statistics::{TextStatistics, word_hashes};

/// What several blocks in like places have in common.
#[derive(Clone, Copy, Default)]
pub(super) struct Path {
    pub(super) blocks: u32,
    pub(super) words: u32,
    pub(super) characters: u32,
    pub(super) linked: u32,
    pub(super) prose: u32,
}

/// What is known of the whole page before the rows are filled.
pub(super) struct Survey {
    pub(super) paths: HashMap<u64, Path, BuildHasherDefault<Fnv>>,
    pub(super) texts: HashMap<u64, u32, BuildHasherDefault<Fnv>>,
    pub(super) total: Sums,
    pub(super) page: Vec<f32>,
    pub(super) title_words: f32,
    /// For each block, blocks to the next one of prose.
    pub(super) to_prose: Vec<u32>,
    pub(super) first_h1: Option<usize>,
    pub(super) articles: u32,
    /// Share of the text before the first comment.
    pub(super) before_comments: f32,
}

/// Logarithm that keeps 0 at 0. Most counts are small, so theirs are looked up.
pub(super) fn log(count: u32) -> f32 {
    static SMALL: LazyLock<Vec<f32>> =
        LazyLock::new(|| (0..2048_u16).map(|n| (f32::from(n) + 1.0).ln()).collect());
    SMALL.get(count as usize).copied().unwrap_or_else(|| (count as f32 + 1.0).ln())
}

pub(super) fn share(part: u32, whole: u32) -> f32 {
    part as f32 / whole.max(1) as f32
}

fn slot(name: &str) -> usize {
    slot_names().position(|one| one == name).expect("the slot is listed")
}

impl Survey {
    /// Looks at all blocks.
    pub(super) fn of(blocks: &Blocks) -> Self {
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
        let h1 = slot("near-tag-h1");
        let mut next_prose = None;
        for (at, block) in blocks.list.iter().enumerate().rev() {
            let text = &block.text;
            let prose = if text.is_prose() { text.characters } else { 0 };
            survey.to_prose[at] = next_prose.map_or(u32::MAX, |next: usize| (next - at) as u32);
            if prose > 0 {
                next_prose = Some(at);
            }
            survey.total.add(Sums { characters: text.characters, linked: text.linked, prose, blocks: 1 });
            let path = survey.paths.entry(path_of(blocks, block)).or_default();
            path.blocks += 1;
            path.words += text.words;
            path.characters += text.characters;
            path.linked += text.linked;
            path.prose += prose;
            *survey.texts.entry(text.hash).or_default() += 1;
            if blocks.elements.get(block.innermost).near[h1] < 8 {
                survey.first_h1 = Some(at);
            }
        }
        let (comment, mut before) = (slot("near-word-comment"), 0);
        let mut articles: Vec<u32> = Vec::new();
        for block in &blocks.list {
            let element = blocks.elements.get(block.innermost);
            if element.near[comment] < FAR && survey.before_comments == 1.0 {
                survey.before_comments = share(before, survey.total.characters);
            }
            before += block.text.characters;
            if articles.last() != element.article.as_ref() {
                articles.extend(element.article);
            }
        }
        articles.sort_unstable();
        articles.dedup();
        survey.articles = articles.len() as u32;
        survey.page = survey.page_row(blocks);
        survey
    }

    fn page_row(&self, blocks: &Blocks) -> Vec<f32> {
        let total = self.total;
        let near = |name: &str, steps: u8| {
            let slot = slot(name);
            let inside = |block: &&Block| blocks.elements.get(block.innermost).near[slot] <= steps;
            let sum: u32 = blocks.list.iter().filter(inside).map(|block| block.text.characters).sum();
            share(sum, total.characters)
        };
        let sum =
            |of: fn(&TextStatistics) -> u32| blocks.list.iter().map(|block| of(&block.text)).sum::<u32>();
        let short = blocks.list.iter().filter(|block| block.text.words < 6).count() as u32;
        let most_on_a_path = self.paths.values().map(|path| path.characters).max().unwrap_or(0);
        let mut row = vec![
            log(total.characters),
            share(total.linked, total.characters),
            share(total.prose, total.characters),
            log(total.prose),
            log(total.blocks),
            share(most_on_a_path, total.characters),
            share(short, total.blocks),
            near("near-tag-li", 4),
            near("near-tag-table", 8),
            near("near-tag-pre", 4),
            log(sum(|text| text.currencies)),
            log(sum(|text| text.years)),
            self.title_words,
            f32::from(blocks.signals.og_type),
            near("near-word-post", 8),
            near("near-word-product", 12),
            near("near-tag-article", 30),
            share(sum(|text| text.han), total.characters),
            log(self.articles),
            near("near-word-comment", 30),
            near("near-word-review", 30),
            self.before_comments,
            near("near-tag-main", 30),
        ];
        row.extend(blocks.signals.kinds.iter().map(|times| log(u32::from(*times))));
        row
    }
}

/// What lies before the block that is being looked at.
#[derive(Default)]
pub(super) struct Place {
    pub(super) characters: u32,
    pub(super) prose: u32,
    pub(super) since_prose: u32,
    pub(super) since_heading: u32,
    pub(super) heading_weight: f32,
    pub(super) heading_level: u8,
    /// Blocks of `h1` so far, the share of the last one's words that are in the title.
    pub(super) h1: u32,
    pub(super) h1_title_share: f32,
    pub(super) texts: HashMap<u64, u32, BuildHasherDefault<Fnv>>,
}

impl Place {
    /// Before the features of block `at` are computed.
    pub(super) fn enter(&mut self, blocks: &Blocks, at: usize) {
        if at == 0 {
            (self.since_prose, self.since_heading) = (99, 99);
        }
        let block = &blocks.list[at];
        let near = &blocks.elements.get(block.innermost).near;
        let first = slot_h1();
        let level = (0..3).find(|level| near[first + level] <= 3);
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

    /// After them.
    pub(super) fn leave(&mut self, text: &TextStatistics) {
        self.characters += text.characters;
        *self.texts.entry(text.hash).or_default() += 1;
        if text.is_prose() {
            self.prose += text.characters;
            self.since_prose = 0;
        }
    }
}

/// Slot of `h1`; `h2` and the lesser headings follow.
fn slot_h1() -> usize {
    static SLOT: LazyLock<usize> = LazyLock::new(|| slot("near-tag-h1"));
    *SLOT
}
