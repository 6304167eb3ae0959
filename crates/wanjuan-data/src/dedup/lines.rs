//! The pass `repeated-lines`: lines that stand in many documents are boilerplate and go from all of them.
//!
//! Line-level deduplication as in CCNet (arXiv 1911.00359, section 3.1) and RefinedWeb's line-wise filters,
//! with a count instead of "seen once": what stands in few documents may be a quotation.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{Xxh3DefaultBuilder, xxh3_64};

use crate::filter::words;
use crate::{Document, Pass, Reason, Verdict};

/// What counts as boilerplate.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct RepeatedLinesConfig {
    /// A line in at least this many documents goes. Default 6.
    pub min_documents: u32,
    /// Lines with fewer words (split at white space) stay: braces and short headings. Default 4.
    pub min_words_per_line: usize,
    /// A document with fewer words left is dropped; 0 = off. Default 50, Gopher's minimum.
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

/// The pass.
#[derive(Clone, Debug, Default)]
pub struct RepeatedLines {
    config: RepeatedLinesConfig,
}

impl RepeatedLines {
    /// The pass with `config`.
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
