//! The stage `decontaminate`: drops documents that contain questions or answers of test sets, by shared 13-grams of
//! words (Brown et al. 2020, arXiv:2005.14165, appendix C). The index of the test sets is a file that
//! `opencompass contamination index` writes.

use std::path::PathBuf;

use internlm_kit::ngrams::{GRAM, NgramIndex, grams, tokens};
use serde::{Deserialize, Serialize};

use super::{Decision, RuleSet, View, rule_set};
use crate::{Document, Reason, Result, Stage, Verdict};

/// Settings of `decontaminate`; the index is a file on disk.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct DecontaminateConfig {
    /// Index of the test sets, as `opencompass contamination index` writes it.
    pub index: PathBuf,
    /// Number of places with an n-gram of a test set from which on a document is dropped. Default 1, as in GPT-3.
    #[serde(default = "one")]
    pub min_matches: usize,
}

fn one() -> usize {
    1
}

impl DecontaminateConfig {
    /// Drops what shares a single n-gram with the test sets of `index`.
    #[must_use]
    pub fn new(index: impl Into<PathBuf>) -> Self {
        Self { index: index.into(), min_matches: one() }
    }

    /// Every problem as `key: found X, expected Y`.
    pub(crate) fn problems(&self) -> Vec<String> {
        let zero = (self.min_matches == 0).then(|| "min-matches: found 0, expected at least 1".to_owned());
        zero.into_iter().collect()
    }
}

/// Drops texts that share n-grams with test sets.
#[derive(Clone, Debug)]
pub struct Decontaminate {
    config: DecontaminateConfig,
    tests: NgramIndex,
}

impl Decontaminate {
    /// Reads the index of the test sets.
    ///
    /// # Errors
    /// A file that cannot be read or is not an index.
    pub fn load(config: DecontaminateConfig) -> Result<Self> {
        let tests = NgramIndex::read(&config.index)?;
        Ok(Self { config, tests })
    }
}

impl RuleSet for Decontaminate {
    fn decide(&self, view: &View<'_>) -> Decision {
        let tokens = tokens(view.text());
        let places: Vec<usize> = grams(&tokens)
            .into_iter()
            .enumerate()
            .filter(|(_, gram)| self.tests.contains(*gram))
            .map(|(place, _)| place)
            .collect();
        let reason = places.first().filter(|_| places.len() >= self.config.min_matches).map(|first| {
            let most = self.config.min_matches - 1;
            let words = tokens[*first..first + GRAM].join(" ");
            Reason::above("contaminated", places.len() as f64, most as f64).with_detail(words)
        });
        Decision::from_reason(reason)
    }
}

impl Stage for Decontaminate {
    fn name(&self) -> &'static str {
        "decontaminate"
    }

    fn apply(&self, document: Document) -> Verdict {
        rule_set::apply(self, document)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUESTION: &str = "Which of the four ships that sailed from the old harbor in May came back first?";

    fn stage(min_matches: usize) -> Decontaminate {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("tests.ngrams");
        NgramIndex::of([format!("{QUESTION} the Swallow")]).write(&path).expect("writes");
        let config = DecontaminateConfig { min_matches, ..DecontaminateConfig::new(path) };
        Decontaminate::load(config).expect("loads")
    }

    #[test]
    fn documents_with_a_question_are_dropped_whatever_its_case_and_punctuation() {
        let page = format!("A quiz for sailors.\n\n{}\n\nWrite to us!", QUESTION.to_uppercase());
        let decision = stage(1).decide(&View::new(&page));
        let reason = decision.reason().expect("contains the question");
        // 16 words have four 13-grams, of which none reaches into the rest of the page.
        assert_eq!((reason.rule.as_ref(), reason.value), ("contaminated", Some(4.0)));
        let first = "which of the four ships that sailed from the old harbor in may";
        assert_eq!(reason.detail.as_deref(), Some(first));
        assert_eq!(reason.to_string(), format!("contaminated: found 4, expected at most 0 ({first})"));
        let other = page.replace("SAILED FROM", "WENT OUT OF");
        assert_eq!(stage(1).decide(&View::new(&other)), Decision::Keep);
        assert_eq!(stage(5).decide(&View::new(&page)), Decision::Keep);
        assert_eq!(stage(1).decide(&View::new("")), Decision::Keep);
    }

    #[test]
    fn a_file_that_is_not_an_index_is_refused() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("tests.ngrams");
        std::fs::write(&path, "some text, and more of it").expect("writes");
        let error =
            Decontaminate::load(DecontaminateConfig::new(&path)).expect_err("not an index").to_string();
        assert!(error.contains("tests.ngrams: byte 0: found other bytes, expected NGRAMS01"), "{error}");
        let config = DecontaminateConfig { min_matches: 0, ..DecontaminateConfig::new(path) };
        assert_eq!(config.problems(), ["min-matches: found 0, expected at least 1"]);
    }
}
