//! The pass `exact-dedup`: of documents with the same content or the same address the most recent stays.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use crate::document::Recency;
use crate::stage::Duplicate;
use crate::{Document, Pass, Reason, Verdict};

/// What counts as a duplicate.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct ExactDedupConfig {
    /// Same content, by a 128-bit hash. Default true.
    pub content: bool,
    /// Same address. Default true.
    pub url: bool,
}

impl Default for ExactDedupConfig {
    fn default() -> Self {
        Self { content: true, url: true }
    }
}

/// The pass.
#[derive(Clone, Debug, Default)]
pub struct ExactDedup {
    config: ExactDedupConfig,
}

/// What a document leaves for the decision.
#[derive(Clone, Debug)]
pub struct ExactSketch {
    content: u128,
    url: Option<u128>,
    recency: Recency,
}

impl ExactDedup {
    /// The pass with `config`.
    #[must_use]
    pub fn new(config: ExactDedupConfig) -> Self {
        Self { config }
    }
}

impl Pass for ExactDedup {
    type Sketch = ExactSketch;
    type Decision = Option<Reason>;

    fn name(&self) -> &'static str {
        "exact-dedup"
    }

    fn sketch(&self, document: &Document) -> ExactSketch {
        ExactSketch {
            content: xxh3_128(document.content.as_bytes()),
            url: document.url.as_ref().map(|url| xxh3_128(url.as_bytes())),
            recency: document.recency(),
        }
    }

    fn decide(&self, sketches: Vec<ExactSketch>) -> Vec<Option<Reason>> {
        let mut decisions = vec![None; sketches.len()];
        if self.config.content {
            drop_older(&sketches, &mut decisions, "same-content", |sketch| Some(sketch.content));
        }
        if self.config.url {
            drop_older(&sketches, &mut decisions, "same-url", |sketch| sketch.url);
        }
        decisions
    }

    fn apply(&self, document: Document, decision: &Option<Reason>) -> Verdict {
        Verdict::from_reason(document, decision.clone())
    }
}

/// Of the documents that still stand, keeps the most recent one of each key.
fn drop_older(
    sketches: &[ExactSketch],
    decisions: &mut [Option<Reason>],
    rule: &'static str,
    key: impl Fn(&ExactSketch) -> Option<u128>,
) {
    let mut groups: BTreeMap<u128, Vec<usize>> = BTreeMap::new();
    for (index, sketch) in sketches.iter().enumerate().filter(|(index, _)| decisions[*index].is_none()) {
        if let Some(key) = key(sketch) {
            groups.entry(key).or_default().push(index);
        }
    }
    for group in groups.values().filter(|group| group.len() > 1) {
        let id = |index: usize| sketches[index].recency.id.clone();
        let keeper = group.iter().copied().max_by_key(|index| &sketches[*index].recency);
        let keeper = keeper.expect("the group has two members");
        let component = group.iter().map(|index| id(*index)).min().unwrap_or_default();
        for index in group.iter().copied().filter(|index| *index != keeper) {
            let duplicate = Duplicate {
                keeper: id(keeper),
                component: component.clone(),
                neighbor: id(keeper),
                jaccard: 1.0,
            };
            decisions[index] = Some(Reason { duplicate: Some(duplicate), ..Reason::new(rule) });
        }
    }
}
