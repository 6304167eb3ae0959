//! [`score`]: the probability that each block of a page is content, by the trained model.
//!
//! `training/train_blocks.py` makes the model in `model/` from pages whose text is known. It consists of weights of
//! words and of class names, each seen on many sites, and of sums of decision trees. The first sum of trees looks at
//! each block and its surroundings. The second also sees the first one's scores of the neighborhood.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::LazyLock;

use super::blocks::Blocks;
use super::columns::{WIDTH, page_features};
use super::context::{CONTEXT, Context};
use super::cutter::{Knowledge, cut};
use super::features::Features;
use super::name_weights::name_hash;
use super::page_type::{PageType, TypeShares};
use super::text_statistics::word_hashes;
use super::trees::Trees;
use crate::extract::dom::{Dom, NodeId};

/// Unit of the weights in the tables.
const SCALE: f32 = 1.0 / 32.0;

/// Weights by hash. The keys are hashes already, so they are not hashed again.
type Table = HashMap<u64, f32, BuildHasherDefault<AsIs>>;

#[derive(Default)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _bytes: &[u8]) {}

    fn write_u64(&mut self, hash: u64) {
        // The low bits of FNV are well mixed; the table uses the high bits too.
        self.0 = hash.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

struct Model {
    /// Weights of words of the text.
    words: Table,
    /// Weights of class names and ids.
    names: Table,
    /// One sum per page type, over the features of the page.
    types: Vec<Trees>,
    /// Over the features of a block.
    first: Trees,
    /// Over the features of a block and the first scores around it.
    second: Trees,
}

static MODEL: LazyLock<Model> = LazyLock::new(|| {
    let width = *WIDTH;
    Model {
        words: table(include_str!("model/words.tsv"), |word| word_hashes(word).first().copied()),
        names: table(include_str!("model/names.tsv"), |name| Some(name_hash(name))),
        types: trees(include_bytes!("model/types.trees"), page_features().len()),
        first: one(trees(include_bytes!("model/first.trees"), width)),
        second: one(trees(include_bytes!("model/second.trees"), width + CONTEXT)),
    }
});

fn trees(bytes: &[u8], width: usize) -> Vec<Trees> {
    Trees::read_all(bytes, width).expect("the shipped model is complete")
}

fn one(trees: Vec<Trees>) -> Trees {
    trees.into_iter().next().expect("the shipped model is complete")
}

fn table(tsv: &str, hash: impl Fn(&str) -> Option<u64>) -> Table {
    let entry = |line: &str| {
        let (key, weight) = line.split_once('\t')?;
        Some((hash(key)?, weight.parse::<f32>().ok()? * SCALE))
    };
    tsv.lines().filter_map(entry).collect()
}

/// A page with the judgment of the model.
pub(crate) struct ScoredPage {
    /// The blocks of the page.
    pub(crate) blocks: Blocks,
    /// For each block, the probability that it is content.
    pub(crate) scores: Vec<f32>,
    /// The most probable type of the page.
    pub(crate) page_type: PageType,
}

/// Cuts a page into blocks, without the elements that `leave_out` selects, and scores them.
pub(crate) fn score(dom: &Dom, leave_out: &dyn Fn(NodeId) -> bool) -> ScoredPage {
    let model = &*MODEL;
    let words = |hash| model.words.get(&hash).copied();
    let names = |hash| model.names.get(&hash).copied();
    let blocks = cut(dom, Knowledge { words: &words, names: &names, leave_out });
    let mut features = Features::of(&blocks);
    let mut first = Vec::with_capacity(blocks.list.len());
    let mut types = TypeShares::default();
    while let Some(rows) = features.next_rows() {
        if rows.first == 0 {
            types = TypeShares::of(&model.types, &rows.values[..*WIDTH]);
        }
        first.extend(model.first.probabilities(rows.values));
    }
    let context = Context::of(&blocks, &first, types);
    let mut second = Vec::with_capacity(first.len());
    let mut extended = Vec::new();
    features.rewind();
    while let Some(rows) = features.next_rows() {
        extended.clear();
        for (at, row) in rows.values.chunks_exact(*WIDTH).enumerate() {
            extended.extend_from_slice(row);
            extended.extend(context.row(rows.first + at));
        }
        second.extend(model.second.probabilities(&extended));
    }
    drop((features, context));
    ScoredPage { blocks, scores: second, page_type: types.most_probable() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::extract::sample::markup;

    const PROSE: &str = "The quick brown fox jumps over the lazy dog, and then it sleeps for a while in the shade. \
                         Nobody knows why it does so, but every day it comes back to the same place.";

    fn score_page(html: &str) -> (Vec<String>, ScoredPage) {
        let dom = Dom::parse(html);
        let page = score(&dom, &|_| false);
        let texts = page.blocks.list.iter().map(|block| page.blocks.text(&dom, block)).collect();
        (texts, page)
    }

    #[test]
    fn the_tables_are_read_whole() {
        let lines = |tsv: &str| tsv.lines().count();
        assert_eq!(MODEL.words.len(), lines(include_str!("model/words.tsv")));
        assert_eq!(MODEL.names.len(), lines(include_str!("model/names.tsv")));
        assert_eq!(MODEL.types.len(), crate::extract::judge::page_type::PAGE_TYPES.len());
        for weight in MODEL.words.values().chain(MODEL.names.values()) {
            assert!(weight.is_finite() && *weight != 0.0);
        }
    }

    #[test]
    fn lines_of_a_table() {
        let hash = |key: &str| key.parse().ok();
        let table = table("1\t32\n2\t-8\nx\t1\n3\n4\ty\n", hash);
        assert_eq!(table.get(&1), Some(&1.0));
        assert_eq!(table.get(&2), Some(&-0.25));
        assert_eq!(table.len(), 2, "broken lines are skipped");
    }

    #[test]
    fn an_article_is_told_from_its_surroundings() {
        let story: String = (0..14).map(|n| format!("<p>Part {n}. {PROSE}</p>")).collect();
        let (texts, page) = score_page(&format!(
            "<title>Foxes</title><nav><ul><li><a href=/>Home</a><li><a href=/n>News</a></ul></nav>\
             <article><h1>Foxes</h1>{story}</article><footer><p>All rights reserved</p></footer>"
        ));
        for (text, score) in texts.iter().zip(&page.scores) {
            if text.starts_with("Part") {
                assert!(*score > 0.5, "{score} {text}");
            } else if text != "Foxes" {
                assert!(*score < 0.5, "{score} {text}");
            }
        }
        assert_eq!(page.page_type, PageType::Article);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        /// One probability per block, and the same each time.
        #[test]
        fn scores_are_probabilities(html in markup()) {
            let (_, page) = score_page(&html);
            prop_assert_eq!(page.scores.len(), page.blocks.list.len());
            prop_assert!(page.scores.iter().all(|score| (0.0..=1.0).contains(score)));
            prop_assert_eq!(score_page(&html).1.scores, page.scores);
        }
    }
}
