//! The pass `near-dedup`: MinHash-LSH finds candidates, exact comparison verifies them, and the most recent document of
//! each cluster is kept.
//!
//! InternLM2 (arXiv 2403.17297, section 3.1): 5-grams, 128 hash functions, threshold 0.7, keep the most
//! recent. The split into bands is not published; 25 x 5 finds a pair of similarity 0.7 with probability
//! 0.990. Every candidate is checked by exact Jaccard on its shingles, so precision is 1.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3DefaultBuilder;

use super::lsh::for_each_bucket;
use super::minhash::MinHasher;
use super::shingle::{jaccard, shingles};
use super::union_find::UnionFind;
use crate::document::Recency;
use crate::stage::Duplicate;
use crate::{Document, Pass, Reason, Verdict};

/// Settings of `near-dedup`; the defaults are InternLM2's where it publishes them.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct NearDedupConfig {
    /// Words per shingle. InternLM2: 5.
    pub shingle_words: usize,
    /// Minimum Jaccard similarity of two duplicates. InternLM2: 0.7.
    pub threshold: f64,
    /// Number of bands; more bands find more pairs and cost more time. Default 25.
    pub bands: usize,
    /// Signature values per band; more rows make candidates more similar. Default 5.
    pub rows: usize,
    /// Seed of the hash functions. Default 1.
    pub seed: u64,
}

impl Default for NearDedupConfig {
    fn default() -> Self {
        Self { shingle_words: 5, threshold: 0.7, bands: 25, rows: 5, seed: 1 }
    }
}

impl NearDedupConfig {
    /// Every problem as `key: found X, expected Y`.
    pub(crate) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let threshold = self.threshold;
        if !(threshold > 0.0 && threshold <= 1.0) {
            problems.push(format!("threshold: found {threshold}, expected a number above 0, at most 1"));
        }
        let counts = [("bands", self.bands), ("rows", self.rows), ("shingle-words", self.shingle_words)];
        for (key, _) in counts.into_iter().filter(|(_, count)| *count == 0) {
            problems.push(format!("{key}: found 0, expected at least 1"));
        }
        problems
    }
}

/// Keeps the most recent document of each cluster of near duplicates.
#[derive(Clone, Debug)]
pub struct NearDedup {
    config: NearDedupConfig,
    hasher: MinHasher,
}

/// What a document leaves for the decision: its shingles and their signature.
#[derive(Clone, Debug)]
pub struct NearSketch {
    recency: Recency,
    shingles: Vec<u64>,
    signature: Vec<u64>,
}

/// The verified pair that joined a document to others.
#[derive(Clone, Copy, Debug)]
struct Link {
    neighbor: u32,
    jaccard: f64,
}

impl NearDedup {
    /// A pass with these settings; they are not checked again.
    #[must_use]
    pub fn new(config: NearDedupConfig) -> Self {
        let hasher = MinHasher::new(config.seed, config.bands * config.rows);
        Self { config, hasher }
    }

    /// Joins all verified pairs. A pair inside one component needs no check: it cannot change components.
    fn components(&self, sketches: &[NearSketch]) -> (UnionFind, Vec<Option<Link>>) {
        let mut sets = UnionFind::new(sketches.len());
        let mut links: Vec<Option<Link>> = vec![None; sketches.len()];
        let mut checked = HashSet::with_hasher(Xxh3DefaultBuilder::new());
        let signatures: Vec<Vec<u64>> = sketches.iter().map(|sketch| sketch.signature.clone()).collect();
        for_each_bucket(&signatures, self.config.bands, self.config.rows, |members| {
            for (place, a) in members.iter().copied().enumerate() {
                for b in members[place + 1..].iter().copied() {
                    if sets.find(a) == sets.find(b) || !checked.insert((a, b)) {
                        continue;
                    }
                    let jaccard = jaccard(&sketches[a as usize].shingles, &sketches[b as usize].shingles);
                    if jaccard >= self.config.threshold {
                        sets.union(a, b);
                        links[a as usize].get_or_insert(Link { neighbor: b, jaccard });
                        links[b as usize].get_or_insert(Link { neighbor: a, jaccard });
                    }
                }
            }
        });
        (sets, links)
    }
}

impl Pass for NearDedup {
    type Sketch = NearSketch;
    type Decision = Option<Reason>;

    fn name(&self) -> &'static str {
        "near-dedup"
    }

    fn sketch(&self, document: &Document) -> NearSketch {
        let shingles = shingles(&document.content, self.config.shingle_words);
        let signature = self.hasher.signature(&shingles);
        NearSketch { recency: document.recency(), shingles, signature }
    }

    fn decide(&self, sketches: Vec<NearSketch>) -> Vec<Option<Reason>> {
        // Sorted by id: clusters and links do not depend on the order of the corpus.
        let mut order: Vec<usize> = (0..sketches.len()).collect();
        order.sort_by(|a, b| sketches[*a].recency.id.cmp(&sketches[*b].recency.id));
        let mut slots: Vec<Option<NearSketch>> = sketches.into_iter().map(Some).collect();
        let sorted: Vec<NearSketch> =
            order.iter().map(|index| slots[*index].take().expect("every index comes once")).collect();
        let (mut sets, links) = self.components(&sorted);
        let roots: Vec<u32> = (0..sorted.len() as u32).map(|index| sets.find(index)).collect();
        let mut keepers: Vec<u32> = (0..sorted.len() as u32).collect();
        for (index, root) in roots.iter().enumerate() {
            let best = &mut keepers[*root as usize];
            if sorted[index].recency > sorted[*best as usize].recency {
                *best = index as u32;
            }
        }
        let id = |index: u32| sorted[index as usize].recency.id.clone();
        let mut decisions = vec![None; sorted.len()];
        for (place, (root, link)) in roots.iter().zip(&links).enumerate() {
            let keeper = keepers[*root as usize];
            if let Some(link) = link.filter(|_| keeper as usize != place) {
                let (keeper, component, neighbor) = (id(keeper), id(*root), id(link.neighbor));
                let duplicate = Duplicate { keeper, component, neighbor, jaccard: link.jaccard };
                let reason = Reason::above("near-duplicate", link.jaccard, self.config.threshold);
                decisions[order[place]] = Some(Reason { duplicate: Some(duplicate), ..reason });
            }
        }
        decisions
    }

    fn apply(&self, document: Document, decision: &Option<Reason>) -> Verdict {
        Verdict::from_reason(document, decision.clone())
    }
}
