//! The pass `exact-dedup`: keeps the most recent of the documents with the same content or the same address.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use crate::document::Recency;
use crate::stage::Duplicate;
use crate::{Document, Pass, Reason, Verdict};

/// Settings of `exact-dedup`: what counts as a duplicate.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct ExactDedupConfig {
    /// Compare contents by a 128-bit hash. Default true.
    pub content: bool,
    /// Compare addresses. Default true.
    pub url: bool,
}

impl Default for ExactDedupConfig {
    fn default() -> Self {
        Self { content: true, url: true }
    }
}

/// Keeps the most recent document of each content and each address.
#[derive(Clone, Debug, Default)]
pub struct ExactDedup {
    config: ExactDedupConfig,
}

/// What a document leaves for the decision: 40 bytes and its recency.
#[derive(Clone, Debug)]
pub struct ExactSketch {
    content: u128,
    url: Option<u128>,
    recency: Recency,
}

impl ExactDedup {
    /// A pass with these settings; they are not checked again.
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

/// Among the documents not dropped so far, keeps the most recent one of each key.
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn document(place: usize, content: u8, url: u8, date: u8) -> Document {
        let mut document = Document::new("d", &place.to_string(), &format!("text {content}"));
        document.url = (url > 0).then(|| format!("https://example.org/{url}"));
        document.date = Some(format!("2024-05-0{date}"));
        document
    }

    fn decide(pass: &ExactDedup, documents: &[Document]) -> Vec<Option<Reason>> {
        pass.decide(documents.iter().map(|document| pass.sketch(document)).collect())
    }

    proptest! {
        /// Of every content one document is left, the most recent; then of every address among those.
        #[test]
        fn one_of_each_kind_is_left(
            fields in prop::collection::vec((0_u8..4, 0_u8..4, 1_u8..4), 0..24),
            seed in any::<u64>(),
        ) {
            let documents: Vec<Document> =
                fields.iter().enumerate().map(|(place, (content, url, date))| document(place, *content, *url, *date)).collect();
            let pass = ExactDedup::default();
            let decisions = decide(&pass, &documents);
            let mut left: Vec<&Document> = Vec::new();
            let mut by_content: BTreeMap<&str, &Document> = BTreeMap::new();
            for document in &documents {
                let best = by_content.entry(&document.content).or_insert(document);
                if document.recency() > best.recency() {
                    *best = document;
                }
            }
            for document in by_content.values() {
                let rival = |other: &&&Document| other.url == document.url && other.recency() > document.recency();
                if document.url.is_none() || !by_content.values().any(|other| rival(&other)) {
                    left.push(document);
                }
            }
            let mut expected: Vec<&str> = left.iter().map(|document| document.id.as_str()).collect();
            let kept = documents.iter().zip(&decisions).filter(|(_, decision)| decision.is_none());
            let mut found: Vec<&str> = kept.map(|(document, _)| document.id.as_str()).collect();
            expected.sort_unstable();
            found.sort_unstable();
            prop_assert_eq!(found, expected);
            // The order of the corpus does not matter.
            let order = internlm_kit::rng::CounterRng::new(seed, "order").permutation(documents.len());
            let shuffled: Vec<Document> = order.iter().map(|index| documents[*index].clone()).collect();
            let again = decide(&pass, &shuffled);
            for (place, index) in order.iter().enumerate() {
                prop_assert_eq!(&again[place], &decisions[*index]);
            }
        }
    }

    #[test]
    fn each_comparison_can_be_switched_off() {
        let documents = [document(0, 1, 1, 1), document(1, 1, 2, 2), document(2, 2, 2, 3)];
        let rules = |content, url| {
            let pass = ExactDedup::new(ExactDedupConfig { content, url });
            let decisions = decide(&pass, &documents).into_iter();
            decisions.map(|decision| decision.map(|reason| reason.rule.into_owned())).collect::<Vec<_>>()
        };
        let rule = |name: &str| Some(name.to_owned());
        assert_eq!(rules(true, true), [rule("same-content"), rule("same-url"), None]);
        assert_eq!(rules(true, false), [rule("same-content"), None, None]);
        assert_eq!(rules(false, true), [None, rule("same-url"), None]);
        assert_eq!(rules(false, false), [None, None, None]);
    }
}
