//! The stage `c4-paragraphs`: mC4's rule of three long lines (arXiv 2010.11934, section 3.1), as
//! `C4ParagraphFilter` of huggingface/datatrove@a649de7.

use serde::{Deserialize, Serialize};

use super::words::length;
use super::{Compat, Decision, RuleSet, View, Writing, rule_set};
use crate::{Document, Reason, Stage, Verdict};

/// Settings of `c4-paragraphs`. Defaults are mC4's.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct C4ParagraphsConfig {
    /// Minimum number of long lines. mC4: 3.
    pub min_paragraphs: usize,
    /// Minimum length of a long line in characters. mC4: 200.
    pub min_paragraph_length: usize,
    /// Minimum length of a long line of Chinese text in characters. Ours: 60, which say as much as 200 letters.
    pub min_chinese_paragraph_length: usize,
    /// Whose decisions to reproduce. Default `none`.
    pub compat: Compat,
}

impl Default for C4ParagraphsConfig {
    fn default() -> Self {
        Self {
            min_paragraphs: 3,
            min_paragraph_length: 200,
            min_chinese_paragraph_length: 60,
            compat: Compat::None,
        }
    }
}

/// Drops texts without three long lines.
#[derive(Clone, Debug, Default)]
pub struct C4Paragraphs {
    config: C4ParagraphsConfig,
}

impl C4Paragraphs {
    /// A stage with these settings; they are not checked again.
    #[must_use]
    pub fn new(config: C4ParagraphsConfig) -> Self {
        Self { config }
    }
}

impl RuleSet for C4Paragraphs {
    fn decide(&self, view: &View<'_>) -> Decision {
        let config = &self.config;
        let limit = match config.compat.writing(view) {
            Writing::Spaced => config.min_paragraph_length,
            Writing::Chinese => config.min_chinese_paragraph_length,
        };
        let mut lengths: Vec<usize> = config.compat.text(view).split('\n').map(length).collect();
        lengths.sort_unstable_by(|a, b| b.cmp(a));
        // The shortest of the longest lines; 0 when there are not that many.
        let shortest = match config.min_paragraphs {
            0 => return Decision::Keep,
            count => lengths.get(count - 1).copied().unwrap_or(0),
        };
        let reason = Reason::below("short-paragraphs", shortest as f64, limit as f64);
        Decision::from_reason((shortest < limit).then(|| config.compat.name(self.name(), reason)))
    }
}

impl Stage for C4Paragraphs {
    fn name(&self) -> &'static str {
        "c4-paragraphs"
    }

    fn apply(&self, document: Document) -> Verdict {
        rule_set::apply(self, document)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_lines_of_the_least_length_pass() {
        let decide = |text: &str| C4Paragraphs::default().decide(&View::new(text));
        let (enough, short) = ("é".repeat(200), "é".repeat(199));
        assert_eq!(decide(&format!("a\n{enough}\n{enough}\n\n{enough}")), Decision::Keep);
        let reason = decide(&format!("{enough}\n{enough}\n{short}")).reason().cloned().expect("drops");
        assert_eq!((reason.value, reason.threshold), (Some(199.0), Some(200.0)));
        assert!(decide(&format!("{enough}\n{enough}")).reason().is_some());
        let line = "今天的天气很好，".repeat(8);
        assert_eq!(decide(&format!("{line}\n{line}\n{line}")), Decision::Keep);
    }
}
