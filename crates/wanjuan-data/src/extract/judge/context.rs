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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::dom::Dom;
    use crate::extract::judge::cutter::{Knowledge, cut};

    /// Places of the features in a row.
    const OWN: usize = 0;
    const PREVIOUS: usize = 1;
    const NEXT: usize = 4;
    const AROUND_3: usize = 7;
    const CONTAINER_1: usize = 9;
    const PATH: usize = 15;
    const MEAN: usize = 17;
    const GREATEST: usize = 18;
    const FROM_FIRST: usize = 19;
    const TO_LAST: usize = 20;
    const CONTENT_BEFORE: usize = 21;

    fn rows(html: &str, scores: &[f32]) -> Vec<[f32; CONTEXT]> {
        let blocks = cut(&Dom::parse(html), Knowledge::NOTHING);
        assert_eq!(blocks.list.len(), scores.len());
        let types = TypeShares([0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
        let context = Context::of(&blocks, scores, types);
        (0..scores.len()).map(|at| context.row(at)).collect()
    }

    fn close(found: f32, expected: f32) {
        assert!((found - expected).abs() < 1e-6, "{found} {expected}");
    }

    #[test]
    fn neighbors_and_means() {
        let rows = rows("<p>a</p><p>b</p><div><p>c</p></div>", &[0.1, 0.9, 0.5]);
        close(rows[1][OWN], 0.9);
        assert_eq!([rows[0][PREVIOUS], rows[2][NEXT]], [-1.0, -1.0], "there is no neighbor");
        close(rows[1][PREVIOUS], 0.1);
        close(rows[1][NEXT], 0.5);
        // All blocks have one word, so the means are plain.
        close(rows[0][AROUND_3], 0.5);
        close(rows[0][MEAN], 0.5);
        close(rows[0][GREATEST], 0.9);
        close(rows[0][CONTAINER_1], 0.1);
        close(rows[0][PATH], 0.5);
        close(rows[2][PATH], 0.5);
        close(rows[2][CONTENT_BEFORE], 2.0 / 3.0);
        assert_eq!(rows[0][CONTENT_BEFORE], 0.0);
    }

    #[test]
    fn means_are_weighted_by_words() {
        let rows = rows("<p>a b c d e f g h i j</p><p>k</p>", &[0.8, 0.2]);
        close(rows[0][MEAN], (10.5 * 0.8 + 1.5 * 0.2) / 12.0);
    }

    #[test]
    fn distances_to_the_content() {
        let page: String = (0..100).map(|_| "<p>a</p>").collect();
        let mut scores = [0.01; 100];
        (scores[40], scores[41], scores[50]) = (0.9, 0.3, 0.8);
        let rows = rows(&page, &scores);
        let distances = |at: usize| [rows[at][FROM_FIRST], rows[at][TO_LAST]];
        assert_eq!(distances(40), [0.0, 10.0]);
        assert_eq!(distances(45), [5.0, 5.0]);
        assert_eq!(distances(38), [-2.0, 12.0]);
        assert_eq!(distances(0), [-FAR as f32, FAR as f32]);
        assert_eq!(distances(99), [FAR as f32, -FAR as f32]);
    }

    #[test]
    fn without_sure_content_the_whole_page_is_meant() {
        let rows = rows("<p>a</p><p>b</p><p>c</p>", &[0.1, 0.2, 0.1]);
        assert_eq!([rows[1][FROM_FIRST], rows[1][TO_LAST]], [1.0, 1.0]);
    }

    #[test]
    fn the_type_of_the_page_is_in_every_row() {
        for row in rows("<p>a</p><p>b</p>", &[0.0, 0.0]) {
            assert_eq!(row[CONTEXT - PAGE_TYPES.len()..], [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
            assert!(row.iter().all(|value| value.is_finite()));
        }
    }
}
