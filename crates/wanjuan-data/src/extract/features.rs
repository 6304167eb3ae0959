//! [`Features`]: what the learned trees look at, one row of numbers per block.
//!
//! Four kinds: the block's own text; the tags and class words near it; the containers around it (skipping
//! wrappers that hold nothing else); its place on the page and what the page as a whole is like. None depends
//! on the address of a page.

use std::sync::LazyLock;

use super::blocks::{Block, Blocks};
use super::containers::{LEVELS, ancestor, path_of, steps_to_common};
use super::elements::slot_names;
use super::page_signals::{PAGE_KINDS, page_kind_names};
use super::survey::{Place, Survey, log, share};
use super::text_statistics::TextStatistics;

/// Features of a row.
pub(super) static WIDTH: LazyLock<usize> = LazyLock::new(|| feature_names().len());

/// Features of the block's own text.
const TEXT: &[&str] = &[
    "characters",
    "words",
    "link-density",
    "links",
    "emphasis",
    "word-length",
    "sentence-ends",
    "sentence-ends-per-word",
    "commas-per-word",
    "capitalized",
    "capitals",
    "digits",
    "han",
    "separators",
    "currencies",
    "years",
    "breaks",
    "first",
    "last",
    "title-share",
    "title-cover",
    "weight-mean",
    "weight-sum",
    "weight-least",
    "repeats",
    "repeats-before",
    "description-share",
    "link-length",
];

/// Features of each container.
const CONTAINER: &[&str] =
    &["characters", "link-density", "prose", "blocks", "block-size", "alike", "page-share", "alike-before"];

/// Features of the place.
const PLACE: &[&str] = &[
    "depth",
    "block-position",
    "text-position",
    "prose-before",
    "prose-after",
    "after-h1",
    "blocks-since-h1",
    "blocks-since-heading",
    "heading-weight",
    "heading-level",
    "blocks-since-prose",
    "blocks-to-prose",
    "prose-nearness",
    "previous-words",
    "previous-links",
    "next-words",
    "next-links",
    "next-2-words",
    "previous-2-words",
    "path-blocks",
    "path-prose",
    "path-words",
    "path-links",
    "names-own",
    "names-parent",
    "names-sum",
    "names-least",
    "names-greatest",
    "up-to-half-prose",
    "up-to-most-prose",
    "up-to-h1",
    "half-prose-share",
    "article-share",
    "article-prose",
    "h1-before",
    "h1-title-share",
];

/// Features of the page.
const PAGE: &[&str] = &[
    "characters",
    "link-density",
    "prose",
    "prose-characters",
    "blocks",
    "path-share",
    "short-blocks",
    "list-share",
    "table-share",
    "code-share",
    "currencies",
    "years",
    "title-words",
    "og-type",
    "post-words",
    "product-words",
    "article-tags",
    "han",
    "articles",
    "comment-words",
    "review-words",
    "before-comments",
    "main-share",
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

/// The columns that all blocks of a page share.
pub(super) fn page_features() -> std::ops::Range<usize> {
    *WIDTH - PAGE.len() - PAGE_KINDS..*WIDTH
}

/// The features of a page, some rows at a time: a page of a million tiny blocks must not fill the memory.
pub(super) struct Features<'a> {
    blocks: &'a Blocks,
    survey: Survey,
    place: Place,
    /// The next block.
    at: usize,
    /// Row after row.
    values: Vec<f32>,
}

/// Rows that are computed at once; they fit into a core's cache.
const ROWS: usize = 256;

impl<'a> Features<'a> {
    /// Before the first row.
    pub(super) fn of(blocks: &'a Blocks) -> Self {
        let values = Vec::with_capacity(ROWS.min(blocks.list.len()) * *WIDTH);
        Self { blocks, survey: Survey::of(blocks), place: Place::default(), at: 0, values }
    }

    /// The first block and the features of the next rows; `None` after the last.
    pub(super) fn next_rows(&mut self) -> Option<(usize, &[f32])> {
        let (blocks, first) = (self.blocks, self.at);
        let end = (first + ROWS).min(blocks.list.len());
        self.values.clear();
        for (at, block) in blocks.list.iter().enumerate().take(end).skip(first) {
            self.place.enter(blocks, at);
            self.push_text(&block.text);
            let near = &blocks.elements.get(block.innermost).near;
            self.values.extend(near.iter().map(|steps| f32::from(*steps)));
            self.push_containers(block);
            self.push_place(at);
            self.push_surroundings(block);
            self.values.extend_from_slice(&self.survey.page);
            debug_assert_eq!(self.values.len(), *WIDTH * (at + 1 - first));
            self.place.leave(&block.text);
        }
        self.at = end;
        (first < end).then_some((first, &self.values))
    }

    /// Back to the first row.
    pub(super) fn rewind(&mut self) {
        self.at = 0;
        self.place = Place::default();
    }

    fn push_text(&mut self, text: &TextStatistics) {
        let (place, survey) = (&self.place, &self.survey);
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

    fn push_containers(&mut self, block: &Block) {
        let survey = &self.survey;
        for container in block.containers {
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

    fn push_surroundings(&mut self, block: &Block) {
        let (blocks, place, survey) = (self.blocks, &self.place, &self.survey);
        let element = blocks.elements.get(block.innermost);
        let names = element.names;
        let half = ancestor(blocks, block, |sums| u64::from(sums.prose) * 2 >= u64::from(survey.total.prose));
        let most =
            ancestor(blocks, block, |sums| u64::from(sums.prose) * 10 >= u64::from(survey.total.prose) * 9);
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

    fn push_place(&mut self, at: usize) {
        let (blocks, place, survey) = (self.blocks, &self.place, &self.survey);
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
    }
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
