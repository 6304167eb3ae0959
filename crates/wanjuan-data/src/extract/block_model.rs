//! [`scores`]: how likely each block of a page is content, by the learned model.
//!
//! The model in `model/` is made by `training/train_blocks.py` from pages whose text is known: weights of words
//! and of class names, each seen on many sites, and two sums of trees. The first looks at each block and what is
//! around it, the second sees the first one's scores of the neighborhood too.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::LazyLock;

use super::blocks::{Blocks, Knowledge};
use super::class_words::Fnv;
use super::context::{CONTEXT, Context};
use super::dom::{Dom, NodeId};
use super::features::{Features, WIDTH, page_features};
use super::page_type::{PageType, TypeShares};
use super::text_statistics::word_hashes;
use super::trees::Trees;

/// Weights in the tables are in 1/32.
const SCALE: f32 = 1.0 / 32.0;

/// Weights by hash; the keys are hashes already.
type Table = HashMap<u64, f32, BuildHasherDefault<AsIs>>;

#[derive(Default)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _bytes: &[u8]) {}

    fn write_u64(&mut self, hash: u64) {
        // FNV's low bits are good, the table wants good high bits too.
        self.0 = hash.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

struct Model {
    words: Table,
    names: Table,
    /// One per page type.
    types: Vec<Trees>,
    first: Trees,
    second: Trees,
}

static MODEL: LazyLock<Model> = LazyLock::new(|| {
    let width = *WIDTH;
    Model {
        words: table(include_str!("model/words.tsv"), |word| word_hashes(word).first().copied()),
        names: table(include_str!("model/names.tsv"), |name| {
            let mut hash = Fnv::default();
            hash.write(name.as_bytes());
            Some(hash.0)
        }),
        types: trees(include_bytes!("model/types.trees"), page_features().len()),
        first: one(trees(include_bytes!("model/first.trees"), width)),
        second: one(trees(include_bytes!("model/second.trees"), width + CONTEXT)),
    }
});

fn trees(bytes: &[u8], width: usize) -> Vec<Trees> {
    Trees::read_all(bytes, width).expect("the shipped model is whole")
}

fn one(trees: Vec<Trees>) -> Trees {
    trees.into_iter().next().expect("the shipped model is whole")
}

fn table(tsv: &str, hash: impl Fn(&str) -> Option<u64>) -> Table {
    let entry = |line: &str| {
        let (key, weight) = line.split_once('\t')?;
        Some((hash(key)?, weight.parse::<f32>().ok()? * SCALE))
    };
    tsv.lines().filter_map(entry).collect()
}

/// A page as the model sees it.
pub(super) struct ScoredPage {
    pub(super) blocks: Blocks,
    /// For each block: how likely it is content, 0 to 1.
    pub(super) scores: Vec<f32>,
    pub(super) page_type: PageType,
}

/// Cuts a page into blocks and scores them, 0 to 1; without the elements that `leave_out` names.
pub(super) fn scores(dom: &Dom, leave_out: &dyn Fn(NodeId) -> bool) -> ScoredPage {
    let model = &*MODEL;
    let words = |hash| model.words.get(&hash).copied();
    let names = |hash| model.names.get(&hash).copied();
    let blocks = Blocks::of(dom, Knowledge { words: &words, names: &names, leave_out });
    let mut features = Features::of(&blocks);
    let mut first = Vec::with_capacity(blocks.list.len());
    let mut types = TypeShares::default();
    while let Some((start, rows)) = features.next_rows() {
        if start == 0 {
            types = TypeShares::of(&model.types, &rows[..*WIDTH]);
        }
        first.extend(model.first.probabilities(rows));
    }
    let context = Context::of(&blocks, &first, types);
    let mut second = Vec::with_capacity(first.len());
    let mut rows = Vec::new();
    features.rewind();
    while let Some((start, values)) = features.next_rows() {
        rows.clear();
        for (at, row) in values.chunks_exact(*WIDTH).enumerate() {
            rows.extend_from_slice(row);
            rows.extend(context.row(start + at));
        }
        second.extend(model.second.probabilities(&rows));
    }
    drop((features, context));
    ScoredPage { blocks, scores: second, page_type: types.likeliest() }
}
