//! [`Features`]: what the learned trees look at, one row of numbers per block.
//!
//! Four kinds: the block's own text; the tags and class words near it; the containers around it (skipping
//! wrappers that hold nothing else); its place on the page and what the page as a whole is like. None depends
//! on the address of a page.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use super::blocks::{Block, Blocks};
use super::class_words::Fnv;
use super::elements::{Sums, slot_names};
use super::page_signals::page_kind_names;
use super::text_statistics::TextStatistics;

/// Containers around a block that are looked at.
pub(super) const LEVELS: usize = 4;

/// Features of the block's own text.
const TEXT: &[&str] = &[
    "characters", "words", "link-density", "links", "emphasis", "word-length", "sentence-ends", "sentence-ends-per-word",
    "commas-per-word", "capitalized", "capitals", "digits", "han", "separators", "currencies", "years", "breaks", "first",
    "last", "title-share", "title-cover", "weight-mean", "weight-sum", "weight-least", "repeats",
    "repeats-before", "description-share", "link-length",
];

/// Features of each container.
const CONTAINER: &[&str] = &["characters", "link-density", "prose", "blocks", "block-size", "alike", "page-share", "alike-before"];

/// Features of the place.
const PLACE: &[&str] = &[
    "depth", "block-position", "text-position", "prose-before", "prose-after", "after-h1", "blocks-since-h1",
    "blocks-since-heading", "heading-weight", "heading-level", "blocks-since-prose", "blocks-to-prose", "prose-nearness",
    "previous-words", "previous-links", "next-words", "next-links", "next-2-words", "previous-2-words", "path-blocks",
    "path-prose", "path-words", "path-links", "names-own", "names-parent", "names-sum", "names-least", "names-greatest",
    "up-to-half-prose", "up-to-most-prose", "up-to-h1", "half-prose-share", "article-share", "article-prose",
    "h1-before", "h1-title-share",
];

/// Features of the page.
const PAGE: &[&str] = &[
    "characters", "link-density", "prose", "prose-characters", "blocks", "path-share", "short-blocks", "list-share",
    "table-share", "code-share", "currencies", "years", "title-words", "og-type", "post-words", "product-words",
    "article-tags", "han", "articles", "comment-words", "review-words", "before-comments", "main-share",
];

/// Names of all features, in the order of the columns.
#[must_use]
pub fn feature_names() -> Vec<String> {
    let mut names: Vec<String> = TEXT.iter().map(|name| format!("text-{name}")).collect();
    names.extend(slot_names());
    for level in 1..=LEVELS {
        names.extend(CONTAINER.iter().map(|name| format!("container-{level}-{name}")));
    }
    names.extend(PLACE.iter().map(|name| format!("place-{name}")));
    names.extend(PAGE.iter().map(|name| format!("page-{name}")));
    names.extend(page_kind_names().map(|name| format!("page-kind-{name}")));
    names
}

/// The numbers of a page: one row per block.
#[derive(Debug)]
pub(super) struct Features {
    /// Row after row.
    pub(super) values: Vec<f32>,
    /// Numbers of a row.
    pub(super) width: usize,
}

/// What several blocks in like places have in common.
#[derive(Clone, Copy, Default)]
struct Path {
    blocks: u32,
    words: u32,
    characters: u32,
    linked: u32,
    prose: u32,
}

/// What is known of the whole page before the rows are filled.
struct Survey {
    paths: HashMap<u64, Path, BuildHasherDefault<Fnv>>,
    texts: HashMap<u64, u32, BuildHasherDefault<Fnv>>,
    total: Sums,
    page: Vec<f32>,
    title_words: f32,
    /// For each block, blocks to the next one of prose.
    to_prose: Vec<u32>,
    first_h1: Option<usize>,
    articles: u32,
    /// Share of the text before the first comment.
    before_comments: f32,
}

/// Logarithm that keeps 0 at 0.
fn log(count: u32) -> f32 {
    (count as f32 + 1.0).ln()
}

fn share(part: u32, whole: u32) -> f32 {
    part as f32 / whole.max(1) as f32
}

fn slot(name: &str) -> usize {
    slot_names().position(|one| one == name).expect("the slot is listed")
}

impl Features {
    /// Computes all rows.
    pub(super) fn of(blocks: &Blocks) -> Self {
        let width = feature_names().len();
        let mut features = Self { values: Vec::with_capacity(width * blocks.list.len()), width };
        let survey = Survey::of(blocks);
        let mut place = Place::default();
        for (at, block) in blocks.list.iter().enumerate() {
            place.enter(blocks, at);
            features.push_text(&block.text, &place, &survey);
            let near = &blocks.elements.get(block.innermost).near;
            features.values.extend(near.iter().map(|steps| f32::from(*steps)));
            features.push_containers(blocks, block, &survey);
            features.push_place(blocks, at, &place, &survey);
            features.values.extend_from_slice(&survey.page);
            debug_assert_eq!(features.values.len(), width * (at + 1));
            place.leave(&block.text);
        }
        features
    }

    fn push_text(&mut self, text: &TextStatistics, place: &Place, survey: &Survey) {
        let words = text.words.max(1) as f32;
        let letters = text.letters.max(1);
        self.values.extend_from_slice(&[
            log(text.characters),
            log(text.words),
            text.link_density(),
            log(text.links),
            share(text.emphasized, text.characters),
            text.characters as f32 / words,
            log(text.sentence_ends),
            text.sentence_ends as f32 / words,
            text.commas as f32 / words,
            text.capitalized as f32 / words,
            share(text.capitals, letters),
            share(text.digits, text.characters),
            share(text.han, text.characters),
            text.separators as f32 / words,
            log(text.currencies),
            log(text.years),
            log(text.breaks),
            text.first.map_or(0.0, character_class),
            text.last.map_or(0.0, character_class),
            text.in_title as f32 / words,
            text.in_title as f32 / survey.title_words,
            if text.weighed == 0 { 0.0 } else { text.weight_sum / text.weighed as f32 },
            text.weight_sum,
            text.weight_least,
            survey.texts.get(&text.hash).map_or(0.0, |times| log(*times)),
            place.texts.get(&text.hash).map_or(0.0, |times| log(*times)),
            text.in_description as f32 / words,
            text.linked as f32 / text.links.max(1) as f32,
        ]);
    }

    fn push_containers(&mut self, blocks: &Blocks, block: &Block, survey: &Survey) {
        for container in containers(blocks, block) {
            let (sums, alike) = (container.sums, container.alike);
            self.values.extend_from_slice(&[
                log(sums.characters),
                share(sums.linked, sums.characters),
                share(sums.prose, sums.characters),
                log(sums.blocks),
                log(sums.characters / sums.blocks.max(1)),
                log(u32::from(alike)),
                share(sums.characters, survey.total.characters),
                log(u32::from(container.alike_before)),
            ]);
        }
    }

    fn push_surroundings(&mut self, blocks: &Blocks, block: &Block, place: &Place, survey: &Survey) {
        let element = blocks.elements.get(block.innermost);
        let names = element.names;
        let half = ancestor(blocks, block, |sums| u64::from(sums.prose) * 2 >= u64::from(survey.total.prose));
        let most = ancestor(blocks, block, |sums| u64::from(sums.prose) * 10 >= u64::from(survey.total.prose) * 9);
        let up_to_h1 = survey.first_h1.map_or(-1.0, |h1| steps_to_common(blocks, block, &blocks.list[h1]));
        let article = element.article.map(|number| blocks.elements.get(number).sums);
        self.values.extend_from_slice(&[
            names.own,
            names.parent,
            names.sum,
            names.least,
            names.greatest,
            half.0,
            most.0,
            up_to_h1,
            share(half.1, survey.total.characters),
            article.map_or(-1.0, |sums| share(sums.characters, survey.total.characters)),
            article.map_or(-1.0, |sums| share(sums.prose, survey.total.prose)),
            log(place.h1),
            place.h1_title_share,
        ]);
    }

    fn push_place(&mut self, blocks: &Blocks, at: usize, place: &Place, survey: &Survey) {
        let block = &blocks.list[at];
        let count = blocks.list.len().max(1) as f32;
        let neighbor = |offset: isize| at.checked_add_signed(offset).and_then(|at| blocks.list.get(at));
        let words = |offset| neighbor(offset).map_or(-1.0, |block: &Block| log(block.text.words));
        let links = |offset| neighbor(offset).map_or(-1.0, |block: &Block| block.text.link_density());
        let path = survey.paths.get(&path_of(blocks, block)).copied().unwrap_or_default();
        let to_prose = survey.to_prose[at].min(50);
        let since_prose = place.since_prose.min(50);
        let after_h1 = survey.first_h1.map_or(-1.0, |h1| f32::from(u8::from(at >= h1)));
        let from_h1 = survey.first_h1.map_or(99.0, |h1| (at as f32 - h1 as f32).clamp(-50.0, 50.0));
        self.values.extend_from_slice(&[
            f32::from(blocks.elements.get(block.innermost).depth),
            at as f32 / count,
            share(place.characters, survey.total.characters),
            share(place.prose, survey.total.prose),
            1.0 - share(place.prose, survey.total.prose),
            after_h1,
            from_h1,
            place.since_heading.min(50) as f32,
            place.heading_weight,
            f32::from(place.heading_level),
            since_prose as f32,
            to_prose as f32,
            since_prose.min(to_prose) as f32,
            words(-1),
            links(-1),
            words(1),
            links(1),
            words(2),
            words(-2),
            log(path.blocks),
            share(path.prose, path.characters),
            path.words as f32 / path.blocks.max(1) as f32,
            share(path.linked, path.characters),
        ]);
        self.push_surroundings(blocks, block, place, survey);
    }
}

/// A container of a block with what it adds to the ones inside.
#[derive(Clone, Copy, Default)]
pub(super) struct Container {
    pub(super) sums: Sums,
    /// Greatest number of like siblings among the wrappers it stands for.
    pub(super) alike: u16,
    /// Greatest number of like siblings before them.
    pub(super) alike_before: u16,
    /// Number of the innermost of these.
    pub(super) element: u32,
}

/// The containers of a block from the inside, each with more text than the one before; wrappers around the
/// same text count as one. Where there are no more, the last is repeated.
pub(super) fn containers(blocks: &Blocks, block: &Block) -> [Container; LEVELS] {
    let elements = &blocks.elements;
    let mut found = [Container::default(); LEVELS];
    let mut number = block.container;
    let mut level = 0;
    let mut current = Container { sums: elements.get(number).sums, element: number, ..Container::default() };
    loop {
        let element = elements.get(number);
        if element.sums.characters > current.sums.characters {
            found[level] = current;
            level += 1;
            if level == LEVELS {
                return found;
            }
            current = Container { sums: element.sums, element: number, ..Container::default() };
        }
        current.alike = current.alike.max(element.alike);
        current.alike_before = current.alike_before.max(element.alike_before);
        if element.parent == number {
            break;
        }
        number = element.parent;
    }
    found[level..].fill(current);
    found
}

/// Steps up to the first element around a block that is `enough`, and its characters.
fn ancestor(blocks: &Blocks, block: &Block, enough: impl Fn(Sums) -> bool) -> (f32, u32) {
    let mut number = block.container;
    let mut steps = 0;
    loop {
        let element = blocks.elements.get(number);
        if element.parent == number || enough(element.sums) {
            return (f32::from(steps.min(30_u16)), element.sums.characters);
        }
        number = element.parent;
        steps += 1;
    }
}

/// Steps up from a block to the first element that is around `other` too.
fn steps_to_common(blocks: &Blocks, block: &Block, other: &Block) -> f32 {
    let (mut number, mut target) = (block.container, other.container);
    let mut steps = 0;
    while number != target {
        // Elements are numbered in document order: the later one cannot be around the earlier one.
        if number > target {
            number = blocks.elements.get(number).parent;
            steps += 1;
        } else {
            target = blocks.elements.get(target).parent;
        }
    }
    f32::from(steps.min(30_u16))
}

/// Blocks with the same tags and classes around them share a path.
pub(super) fn path_of(blocks: &Blocks, block: &Block) -> u64 {
    blocks.elements.get(block.innermost).signature
}

impl Survey {
    fn of(blocks: &Blocks) -> Self {
        let mut survey = Self {
            paths: HashMap::default(),
            texts: HashMap::default(),
            total: Sums::default(),
            page: Vec::new(),
            title_words: super::text_statistics::word_hashes(&blocks.signals.title).len().max(1) as f32,
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
            if element.near[comment] < super::elements::FAR && survey.before_comments == 1.0 {
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
        let sum = |of: fn(&TextStatistics) -> u32| blocks.list.iter().map(|block| of(&block.text)).sum::<u32>();
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
struct Place {
    characters: u32,
    prose: u32,
    since_prose: u32,
    since_heading: u32,
    heading_weight: f32,
    heading_level: u8,
    /// Blocks of `h1` so far, the share of the last one's words that are in the title.
    h1: u32,
    h1_title_share: f32,
    texts: HashMap<u64, u32, BuildHasherDefault<Fnv>>,
}

impl Place {
    fn enter(&mut self, blocks: &Blocks, at: usize) {
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

    fn leave(&mut self, text: &TextStatistics) {
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
    static SLOT: std::sync::LazyLock<usize> = std::sync::LazyLock::new(|| slot("near-tag-h1"));
    *SLOT
}

/// Classes of first and last characters.
fn character_class(c: char) -> f32 {
    match c {
        '.' | '!' | '?' | '。' | '！' | '？' | '"' | '”' | '’' | ')' | '»' => 1.0,
        '…' => 2.0,
        ':' | '：' => 3.0,
        ',' | ';' | '-' | '–' | '—' => 4.0,
        c if c.is_ascii_digit() => 5.0,
        c if c.is_lowercase() => 6.0,
        c if c.is_uppercase() => 7.0,
        c if c.is_alphabetic() => 8.0,
        '©' | '®' | '™' => 9.0,
        _ => 10.0,
    }
}
