//! [`Features`]: what the trained trees look at, one row of numbers per block.
//!
//! There are four groups: the block's own text; the tags and names near it; the containers around it; its place on
//! the page and what the page as a whole is like. None depends on the address of a page. The names of the numbers
//! are in [`super::columns`].

use super::blocks::{Block, Blocks};
use super::columns::WIDTH;
use super::containers::{ancestor, steps_to_common};
use super::place::Place;
use super::scaling::{log, share};
use super::survey::Survey;
use super::text_statistics::TextStatistics;

/// Computes the features of a page some rows at a time, so that a page of a million tiny blocks does not fill the
/// memory.
pub(crate) struct Features<'a> {
    blocks: &'a Blocks,
    survey: Survey,
    place: Place,
    /// The first block that has no row yet.
    at: usize,
    /// The current rows, one after another.
    values: Vec<f32>,
}

/// Consecutive rows of features.
pub(crate) struct Rows<'a> {
    /// The block of the first row.
    pub(crate) first: usize,
    /// [`WIDTH`] values per row, one row after another.
    pub(crate) values: &'a [f32],
}

/// Number of rows computed at once; they fit into the cache of a core.
const ROWS: usize = 256;

/// Value of a feature that does not apply to a block.
const NONE: f32 = -1.0;

/// Maximum distance in blocks; greater distances count as this one.
const MAX_BLOCKS: u32 = 50;

impl<'a> Features<'a> {
    /// Surveys the page; no row is computed yet.
    pub(crate) fn of(blocks: &'a Blocks) -> Self {
        let values = Vec::with_capacity(ROWS.min(blocks.list.len()) * *WIDTH);
        Self { blocks, survey: Survey::of(blocks), place: Place::default(), at: 0, values }
    }

    /// The next rows; `None` after the last.
    pub(crate) fn next_rows(&mut self) -> Option<Rows<'_>> {
        let (blocks, first) = (self.blocks, self.at);
        let end = (first + ROWS).min(blocks.list.len());
        self.values.clear();
        for (at, block) in blocks.list.iter().enumerate().take(end).skip(first) {
            self.place.enter(blocks, at);
            self.push_text(&block.text);
            self.values.extend(blocks.innermost(block).near.columns());
            self.push_containers(block);
            self.push_place(at);
            self.push_surroundings(block);
            self.values.extend_from_slice(&self.survey.page);
            debug_assert_eq!(self.values.len(), *WIDTH * (at + 1 - first));
            self.place.leave(&block.text);
        }
        self.at = end;
        (first < end).then_some(Rows { first, values: &self.values })
    }

    /// Goes back to the first row. The survey is kept.
    pub(crate) fn rewind(&mut self) {
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
        let element = blocks.innermost(block);
        let names = element.names;
        let half = ancestor(blocks, block, |sums| u64::from(sums.prose) * 2 >= u64::from(survey.total.prose));
        let most =
            ancestor(blocks, block, |sums| u64::from(sums.prose) * 10 >= u64::from(survey.total.prose) * 9);
        let up_to_h1 = survey.first_h1.map_or(NONE, |h1| steps_to_common(blocks, block, &blocks.list[h1]));
        let article = element.article.map(|number| blocks.elements.get(number).sums);
        self.values.extend_from_slice(&[
            names.own,
            names.parent,
            names.sum,
            names.least,
            names.greatest,
            half.steps,
            most.steps,
            up_to_h1,
            share(half.characters, survey.total.characters),
            article.map_or(NONE, |sums| share(sums.characters, survey.total.characters)),
            article.map_or(NONE, |sums| share(sums.prose, survey.total.prose)),
            log(place.h1),
            place.h1_title_share,
        ]);
    }

    fn push_place(&mut self, at: usize) {
        let (blocks, place, survey) = (self.blocks, &self.place, &self.survey);
        let block = &blocks.list[at];
        let count = blocks.list.len().max(1) as f32;
        let neighbor = |offset: isize| at.checked_add_signed(offset).and_then(|at| blocks.list.get(at));
        let words = |offset| neighbor(offset).map_or(NONE, |block: &Block| log(block.text.words));
        let links = |offset| neighbor(offset).map_or(NONE, |block: &Block| block.text.link_density());
        let path = survey.paths.get(&blocks.path(block)).copied().unwrap_or_default();
        let to_prose = survey.to_prose[at].min(MAX_BLOCKS);
        let since_prose = place.since_prose.min(MAX_BLOCKS);
        let after_h1 = survey.first_h1.map_or(NONE, |h1| f32::from(u8::from(at >= h1)));
        let limit = MAX_BLOCKS as f32;
        // Beyond any distance: the page has no such heading.
        let from_h1 = survey.first_h1.map_or(99.0, |h1| (at as f32 - h1 as f32).clamp(-limit, limit));
        self.values.extend_from_slice(&[
            f32::from(blocks.innermost(block).depth),
            at as f32 / count,
            share(place.characters, survey.total.characters),
            share(place.prose, survey.total.prose),
            1.0 - share(place.prose, survey.total.prose),
            after_h1,
            from_h1,
            place.since_heading.min(MAX_BLOCKS) as f32,
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

/// A number for the kind of a first or last character: ends of sentences, dashes, digits, letters.
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

#[cfg(test)]
mod tests;
