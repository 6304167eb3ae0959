//! The stage `separators`: limits on separators and line breaks, the first of the three families of heuristic
//! rules of InternLM2 (arXiv 2403.17297, section 3.1). The report gives no numbers: all are ours.

use serde::{Deserialize, Serialize};

use super::python::{lines, strip};
use super::words::{length, ratio};
use super::{Decision, RuleSet, View, Writing, rule_set};
use crate::{Document, Reason, Stage, Verdict};

/// Thresholds; 1 switches a rule off.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct SeparatorsConfig {
    /// Minimum number of characters in a run of one sign (neither letter nor digit nor indentation) that makes it a
    /// separator. Ours: 4.
    pub min_separator_run: usize,
    /// Maximum share of the characters in such runs. Ours: 0.1.
    pub max_separator_chars: f64,
    /// Maximum share of line feeds among the characters. Ours: 0.1, lines of ten characters.
    pub max_line_feeds: f64,
    /// Maximum share of empty lines. Ours: 0.6; half of the lines are empty when every paragraph is one line.
    pub max_empty_lines: f64,
    /// Limits that differ for Chinese text.
    pub chinese: ChineseSeparatorsConfig,
}

/// Limits that differ for Chinese text.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct ChineseSeparatorsConfig {
    /// Minimum number of characters in a run that makes it a separator. Ours: 5, because —— and …… are two characters
    /// each.
    pub min_separator_run: usize,
    /// Maximum share of line feeds among the characters. Ours: 0.2, lines of five characters.
    pub max_line_feeds: f64,
}

impl Default for SeparatorsConfig {
    fn default() -> Self {
        Self {
            min_separator_run: 4,
            max_separator_chars: 0.1,
            max_line_feeds: 0.1,
            max_empty_lines: 0.6,
            chinese: ChineseSeparatorsConfig::default(),
        }
    }
}

impl Default for ChineseSeparatorsConfig {
    fn default() -> Self {
        Self { min_separator_run: 5, max_line_feeds: 0.2 }
    }
}

/// Drops texts with too many separators, line breaks or empty lines.
#[derive(Clone, Debug, Default)]
pub struct Separators {
    config: SeparatorsConfig,
}

impl Separators {
    /// A stage with these settings; they are not checked again.
    #[must_use]
    pub fn new(config: SeparatorsConfig) -> Self {
        Self { config }
    }

    fn rules(&self, view: &View<'_>) -> Option<Reason> {
        let config = &self.config;
        let (min_run, max_line_feeds) = match view.writing() {
            Writing::Spaced => (config.min_separator_run, config.max_line_feeds),
            Writing::Chinese => (config.chinese.min_separator_run, config.chinese.max_line_feeds),
        };
        let (text, characters) = (view.plain_text(), view.plain_characters());
        let (mut count, mut empty, mut in_runs) = (0, 0, 0);
        for line in lines(text) {
            let line = strip(line);
            count += 1;
            empty += usize::from(line.is_empty());
            in_runs += characters_in_runs(line, min_run);
        }
        let share = ratio(in_runs, characters);
        if share > config.max_separator_chars {
            return Some(Reason::above("separator-runs", share, config.max_separator_chars));
        }
        let share = ratio(text.matches('\n').count(), characters);
        if share > max_line_feeds {
            return Some(Reason::above("line-breaks", share, max_line_feeds));
        }
        let share = ratio(empty, count);
        (share > config.max_empty_lines).then(|| Reason::above("empty-lines", share, config.max_empty_lines))
    }
}

/// Characters in runs of at least `min_run` of the same sign.
fn characters_in_runs(line: &str, min_run: usize) -> usize {
    let mut total = 0;
    let mut rest = line;
    while let Some(start) = rest.find(|c: char| !c.is_alphanumeric()) {
        let from = &rest[start..];
        let after = from.chars().next().map_or(from, |sign| from.trim_start_matches(sign));
        let run = length(&from[..from.len() - after.len()]);
        total += if run >= min_run { run } else { 0 };
        rest = after;
    }
    total
}

impl RuleSet for Separators {
    fn decide(&self, view: &View<'_>) -> Decision {
        Decision::from_reason(self.rules(view))
    }
}

impl Stage for Separators {
    fn name(&self) -> &'static str {
        "separators"
    }

    fn apply(&self, document: Document) -> Verdict {
        rule_set::apply(self, document)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> Option<String> {
        let decision = Separators::default().decide(&View::new(text));
        decision.reason().map(|reason| reason.rule.clone().into_owned())
    }

    #[test]
    fn runs_are_counted_from_the_least_length() {
        assert_eq!(characters_in_runs("a --- b ---- c =====", 4), 9);
        assert_eq!(characters_in_runs("·····", 5), 5);
        assert_eq!(characters_in_runs("aaaaaa 1111111", 4), 0);
    }

    #[test]
    fn every_rule_is_named() {
        assert_eq!(rule("    Indented text.\n\nAnd a paragraph.\n----"), None);
        assert_eq!(rule("Title\n==========\nText of this page.").as_deref(), Some("separator-runs"));
        assert_eq!(rule("one two\nthree\nfour\nfive").as_deref(), Some("line-breaks"));
        assert_eq!(
            rule("A long line of many words here.\n\n\n\n\nAnother line of words.").as_deref(),
            Some("empty-lines")
        );
        assert_eq!(rule("床前明月光\n疑是地上霜\n举头望明月\n低头思故乡"), None);
        assert_eq!(rule("首页\n新闻\n体育\n财经").as_deref(), Some("line-breaks"));
    }
}
