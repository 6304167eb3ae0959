//! [`Context`]: the first pass's scores of the neighborhood, as features of the second pass.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use super::blocks::{Blocks, LEVELS};
use super::fnv::Fnv;
use super::page_type::{PAGE_TYPES, TypeShares};

/// Number of features that the context adds to each row.
pub(crate) const CONTEXT: usize = 22 + PAGE_TYPES.len();

/// Greater distances, in blocks, count as this one.
const FAR: f64 = 30.0;

/// Mean of scores, weighted by words.
#[derive(Clone, Copy, Default)]
struct Mean {
    /// Sum of words times score.
    content: f64,
    words: f64,
    /// Highest score.
    greatest: f64,
}

impl Mean {
    fn add(&mut self, words: f64, score: f64) {
        self.content += words * score;
        self.words += words;
        self.greatest = self.greatest.max(score);
    }

    fn value(self) -> f64 {
        self.content / self.words
    }
}

/// The first scores of a page, with sums over neighborhoods.
pub(crate) struct Context<'a> {
    blocks: &'a Blocks,
    scores: Vec<f64>,
    types: TypeShares,
    /// Words before each block; one entry more than blocks.
    words_before: Vec<f64>,
    /// Sum of words times score before each block; one entry more than blocks.
    content_before: Vec<f64>,
    /// Means over the blocks of a container, by element number.
    containers: Vec<Mean>,
    /// Means over the blocks that share a path.
    paths: HashMap<u64, Mean, BuildHasherDefault<Fnv>>,
    /// Mean over the page.
    whole: Mean,
    /// First block that is surely content; the first of all if none is.
    first: usize,
    /// Last block that is surely content; the last of all if none is.
    last: usize,
}

impl<'a> Context<'a> {
    /// Sums up the scores of the first pass, one per block.
    pub(crate) fn of(blocks: &'a Blocks, scores: &[f32], types: TypeShares) -> Self {
        let scores: Vec<f64> = scores.iter().map(|score| f64::from(*score)).collect();
        let mut page = Self {
            blocks,
            types,
            words_before: vec![0.0],
            content_before: vec![0.0],
            containers: vec![Mean::default(); blocks.elements.len()],
            paths: HashMap::default(),
            whole: Mean::default(),
            first: 0,
            last: scores.len().saturating_sub(1),
            scores: Vec::new(),
        };
        for (block, score) in blocks.list.iter().zip(&scores) {
            let words = f64::from(block.text.words) + 0.5;
            page.whole.add(words, *score);
            page.words_before.push(page.whole.words);
            page.content_before.push(page.whole.content);
            page.paths.entry(blocks.path(block)).or_default().add(words, *score);
            let mut before = None;
            for container in block.containers {
                if before.replace(container.element) != Some(container.element) {
                    page.containers[container.element as usize].add(words, *score);
                }
            }
        }
        let sure = |score: &f64| *score > (0.6 * page.whole.greatest).max(0.5);
        if let Some(first) = scores.iter().position(sure) {
            page.first = first;
            page.last = scores.iter().rposition(sure).unwrap_or(first);
        }
        page.scores = scores;
        page
    }

    /// The features of block `at`.
    pub(crate) fn row(&self, at: usize) -> [f32; CONTEXT] {
        let (blocks, scores) = (self.blocks, &self.scores);
        let block = &blocks.list[at];
        let neighbor = |offset: isize| {
            at.checked_add_signed(offset).and_then(|at| scores.get(at)).copied().unwrap_or(-1.0)
        };
        let around = |reach: usize| {
            let (start, end) = (at.saturating_sub(reach), (at + reach + 1).min(scores.len()));
            (self.content_before[end] - self.content_before[start])
                / (self.words_before[end] - self.words_before[start])
        };
        let means: [Mean; LEVELS] =
            block.containers.map(|container| self.containers[container.element as usize]);
        let path = self.paths.get(&blocks.path(block)).copied().unwrap_or_default();
        let own = [
            scores[at],
            neighbor(-1),
            neighbor(-2),
            neighbor(-3),
            neighbor(1),
            neighbor(2),
            neighbor(3),
            around(3),
            around(8),
            means[0].value(),
            means[1].value(),
            means[2].value(),
            means[3].value(),
            means[1].greatest,
            means[3].greatest,
            path.value(),
            self.whole.content.ln_1p(),
            self.whole.value(),
            self.whole.greatest,
            (at as f64 - self.first as f64).clamp(-FAR, FAR),
            (self.last as f64 - at as f64).clamp(-FAR, FAR),
            self.content_before[at] / self.whole.content.max(1e-9),
        ];
        let mut row = [0.0; CONTEXT];
        let (first, types) = row.split_at_mut(own.len());
        first.iter_mut().zip(own).for_each(|(out, value)| *out = value as f32);
        types.copy_from_slice(&self.types.0);
        row
    }
}
