//! The pass `repeated-lines`: removes lines that occur in many documents, because they are boilerplate.
//!
//! Line-level deduplication as in CCNet (arXiv 1911.00359, section 3.1) and RefinedWeb's line-wise filters,
//! with a count instead of "seen once": what occurs in few documents may be a quotation.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{Xxh3DefaultBuilder, xxh3_64};

use crate::filter::words;
use crate::{Document, Pass, Reason, Verdict};

/// Settings of `repeated-lines`: what counts as boilerplate.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct RepeatedLinesConfig {
    /// Minimum number of documents with a line for the line to be removed. Default 6.
    pub min_documents: u32,
    /// Minimum number of words (split at white space) in a line; shorter lines, such as braces and headings, stay.
    /// Default 4.
    pub min_words_per_line: usize,
    /// Minimum number of words that have to be left of a document; 0 = off. Default 50, Gopher's minimum.
    pub min_words_left: usize,
}

impl Default for RepeatedLinesConfig {
    fn default() -> Self {
        Self { min_documents: 6, min_words_per_line: 4, min_words_left: 50 }
    }
}

impl RepeatedLinesConfig {
    /// Every problem as `key: found X, expected Y`.
    pub(crate) fn problems(&self) -> Vec<String> {
        let found = self.min_documents;
        let problem = || format!("min-documents: found {found}, expected at least 2");
        (found < 2).then(problem).into_iter().collect()
    }
}

/// Removes lines that many documents share.
#[derive(Clone, Debug, Default)]
pub struct RepeatedLines {
    config: RepeatedLinesConfig,
}

impl RepeatedLines {
    /// A pass with these settings; they are not checked again.
    #[must_use]
    pub fn new(config: RepeatedLinesConfig) -> Self {
        Self { config }
    }

    fn hash(&self, line: &str) -> Option<u64> {
        let line = line.trim();
        let long = line.split_whitespace().take(self.config.min_words_per_line).count();
        (long >= self.config.min_words_per_line && !line.is_empty()).then(|| xxh3_64(line.as_bytes()))
    }
}

impl Pass for RepeatedLines {
    /// Hashes of the distinct long lines, sorted.
    type Sketch = Vec<u64>;
    /// Hashes of the lines to remove, sorted.
    type Decision = Vec<u64>;

    fn name(&self) -> &'static str {
        "repeated-lines"
    }

    fn sketch(&self, document: &Document) -> Vec<u64> {
        let mut hashes: Vec<u64> = document.content.lines().filter_map(|line| self.hash(line)).collect();
        hashes.sort_unstable();
        hashes.dedup();
        hashes
    }

    fn decide(&self, sketches: Vec<Vec<u64>>) -> Vec<Vec<u64>> {
        let mut counts: HashMap<u64, u32, _> = HashMap::with_hasher(Xxh3DefaultBuilder::new());
        for hash in sketches.iter().flatten() {
            *counts.entry(*hash).or_default() += 1;
        }
        let frequent = |hash: &u64| counts[hash] >= self.config.min_documents;
        sketches.into_iter().map(|hashes| hashes.into_iter().filter(frequent).collect()).collect()
    }

    fn apply(&self, mut document: Document, decision: &Vec<u64>) -> Verdict {
        if !decision.is_empty() {
            let stays =
                |line: &&str| self.hash(line).is_none_or(|hash| decision.binary_search(&hash).is_err());
            let lines: Vec<&str> = document.content.split('\n').filter(stays).collect();
            document.content = crate::normalize::normalize_characters(&lines.join("\n"));
        }
        let (left, limit) = (words(&document.content).len(), self.config.min_words_left);
        let reason = (left < limit).then(|| Reason::below("few-words-left", left as f64, limit as f64));
        Verdict::from_reason(document, reason)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Against a plain count of texts; a line that occurs twice in one document counts once.
        #[test]
        fn exactly_the_lines_of_many_documents_are_removed(
            texts in prop::collection::vec(prop::collection::vec(0_u8..6, 0..6), 0..10)
        ) {
            let line = |number: &u8| match number {
                0 => "}".to_owned(),
                number => format!("This is the line of number {number}."),
            };
            let documents: Vec<Document> = texts
                .iter()
                .enumerate()
                .map(|(place, lines)| {
                    let text = lines.iter().map(line).collect::<Vec<_>>().join("\n");
                    Document::new("d", &place.to_string(), &text)
                })
                .collect();
            let mut counts: BTreeMap<u8, usize> = BTreeMap::new();
            for lines in &texts {
                let distinct: std::collections::BTreeSet<&u8> = lines.iter().collect();
                distinct.into_iter().for_each(|number| *counts.entry(*number).or_default() += 1);
            }
            let config = RepeatedLinesConfig { min_documents: 3, min_words_left: 0, ..Default::default() };
            let pass = RepeatedLines::new(config);
            let decisions = pass.decide(documents.iter().map(|document| pass.sketch(document)).collect());
            for ((document, decision), lines) in documents.iter().zip(&decisions).zip(&texts) {
                let Verdict::Keep(kept) = pass.apply(document.clone(), decision) else { panic!("was dropped") };
                let stays = |number: &&u8| **number == 0 || counts[*number] < 3;
                let expected: Vec<String> = lines.iter().filter(stays).map(line).collect();
                prop_assert_eq!(kept.content, expected.join("\n"));
            }
        }
    }

    #[test]
    fn documents_with_too_few_words_left_are_dropped() {
        let pass = RepeatedLines::new(RepeatedLinesConfig { min_words_left: 5, ..Default::default() });
        let drop = |text: &str| match pass.apply(Document::new("d", "1", text), &Vec::new()) {
            Verdict::Keep(_) => None,
            Verdict::Drop(_, reason) => Some(reason.to_string()),
        };
        assert_eq!(drop("one two three four five"), None);
        assert_eq!(
            drop("one two three four").as_deref(),
            Some("few-words-left: found 4, expected at least 5")
        );
    }
}
