//! The stage `fineweb`: line statistics of FineWeb (arXiv 2406.17557, section 3.6), decision by decision as in
//! `FineWebQualityFilter` of huggingface/datatrove@a649de7, and their Chinese counterparts.

use serde::{Deserialize, Serialize};

use super::grams::duplicates;
use super::marks::{is_chinese_closing_quote, is_chinese_terminal, is_terminal};
use super::python::strip;
use super::words::{length, ratio};
use super::{Compat, Decision, RuleSet, View, Writing, rule_set};
use crate::{Document, Reason, Stage, Verdict};

/// Settings of `fineweb`. Defaults are FineWeb's.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct FineWebConfig {
    /// Minimum share of lines that end in terminal punctuation. FineWeb: 0.12.
    pub min_punctuated_lines: f64,
    /// Maximum length of a short line in characters. FineWeb: 30.
    pub short_line_length: usize,
    /// Maximum share of short lines. FineWeb: 0.67.
    pub max_short_lines: f64,
    /// Maximum share of characters in repeated lines. FineWeb: 0.01.
    pub max_duplicate_line_chars: f64,
    /// Maximum number of line feeds per word. FineWeb: 0.3.
    pub max_line_feeds_per_word: f64,
    /// Whose decisions to reproduce. Default `none`.
    pub compat: Compat,
    /// Limits that differ for Chinese text.
    pub chinese: ChineseFineWebConfig,
}

/// FineWeb's rules for Chinese text; ；… and closing quotation marks end a line too. All defaults are ours.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct ChineseFineWebConfig {
    /// Maximum length of a short line in characters. Ours: 10, which say as much as 30 letters.
    pub short_line_length: usize,
    /// Maximum number of line feeds per unit (Chinese character, or word of another script). Ours: 0.19 = 0.3 per word.
    pub max_line_feeds_per_unit: f64,
}

impl Default for FineWebConfig {
    fn default() -> Self {
        Self {
            min_punctuated_lines: 0.12,
            short_line_length: 30,
            max_short_lines: 0.67,
            max_duplicate_line_chars: 0.01,
            max_line_feeds_per_word: 0.3,
            compat: Compat::None,
            chinese: ChineseFineWebConfig::default(),
        }
    }
}

impl Default for ChineseFineWebConfig {
    fn default() -> Self {
        Self { short_line_length: 10, max_line_feeds_per_unit: 0.19 }
    }
}

/// Drops texts whose lines look like lists, menus or repetitions.
#[derive(Clone, Debug, Default)]
pub struct FineWeb {
    config: FineWebConfig,
}

impl FineWeb {
    /// A stage with these settings; they are not checked again.
    #[must_use]
    pub fn new(config: FineWebConfig) -> Self {
        Self { config }
    }

    /// The first rule that `text` fails.
    #[must_use]
    pub fn reason(&self, text: &str) -> Option<Reason> {
        self.decide(&View::new(text)).reason().cloned()
    }

    fn rules(&self, view: &View<'_>) -> Option<Reason> {
        let config = &self.config;
        let writing = config.compat.writing(view);
        let (short_length, max_line_feeds) = match writing {
            Writing::Spaced => (config.short_line_length, config.max_line_feeds_per_word),
            Writing::Chinese => (config.chinese.short_line_length, config.chinese.max_line_feeds_per_unit),
        };
        let (text, characters) = (config.compat.text(view), config.compat.characters(view));
        let lines: Vec<&str> = text.split('\n').filter(|line| !strip(line).is_empty()).collect();
        if lines.is_empty() {
            return Some(Reason::new("empty"));
        }
        let punctuated = lines.iter().filter(|line| is_punctuated(line, writing)).count();
        let share = ratio(punctuated, lines.len());
        if share < config.min_punctuated_lines {
            return Some(Reason::below("punctuated-lines", share, config.min_punctuated_lines));
        }
        // A character has at most four bytes.
        let is_short = |line: &&&str| line.len() <= 4 * short_length && length(line) <= short_length;
        let share = ratio(lines.iter().filter(is_short).count(), lines.len());
        if share > config.max_short_lines {
            return Some(Reason::above("short-lines", share, config.max_short_lines));
        }
        let line_feeds = text.bytes().filter(|byte| *byte == b'\n').count();
        let share = ratio(duplicates(&lines).1, characters - line_feeds);
        if share > config.max_duplicate_line_chars {
            return Some(Reason::above("duplicate-line-chars", share, config.max_duplicate_line_chars));
        }
        let share = ratio(line_feeds, view.words().len());
        (share > max_line_feeds).then(|| Reason::above("line-feeds", share, max_line_feeds))
    }
}

/// Whether a line ends in terminal punctuation.
fn is_punctuated(line: &str, writing: Writing) -> bool {
    match writing {
        Writing::Spaced => line.ends_with(is_terminal),
        Writing::Chinese => {
            line.ends_with(|c| is_terminal(c) || is_chinese_terminal(c) || is_chinese_closing_quote(c))
        }
    }
}

impl RuleSet for FineWeb {
    fn decide(&self, view: &View<'_>) -> Decision {
        let reason = self.rules(view);
        Decision::from_reason(reason.map(|reason| self.config.compat.name(self.name(), reason)))
    }
}

impl Stage for FineWeb {
    fn name(&self) -> &'static str {
        "fineweb"
    }

    fn apply(&self, document: Document) -> Verdict {
        rule_set::apply(self, document)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(config: &FineWebConfig, text: &str) -> Option<String> {
        FineWeb::new(config.clone()).reason(text).map(|reason| reason.rule.into_owned())
    }

    #[test]
    fn values_at_the_threshold_pass() {
        let config = FineWebConfig {
            min_punctuated_lines: 0.5,
            short_line_length: 3,
            max_short_lines: 0.5,
            max_duplicate_line_chars: 0.25,
            max_line_feeds_per_word: 0.5,
            ..FineWebConfig::default()
        };
        assert_eq!(rule(&config, "Four five.\nabc"), None);
        assert_eq!(
            rule(&config, "Four five. \r\nabc"),
            None,
            "white space at the end of a line does not count"
        );
        let datatrove = FineWebConfig { compat: Compat::Datatrove, ..config.clone() };
        assert_eq!(rule(&datatrove, "Four five. \nabc").as_deref(), Some("line_punct_ratio"));
        assert_eq!(rule(&config, "Fo.\nabc").as_deref(), Some("short-lines"));
        assert_eq!(rule(&config, "Four five.\nFour five.").as_deref(), Some("duplicate-line-chars"));
        assert_eq!(rule(&config, "Four.\n\nfive").as_deref(), Some("line-feeds"));
        // A line of white space as Python defines it does not count.
        assert_eq!(rule(&config, " \u{1f}\n\u{1c}").as_deref(), Some("empty"));
    }

    #[test]
    fn quotation_marks_end_no_line_but_other_scripts_do() {
        let config =
            FineWebConfig { min_punctuated_lines: 1.0, max_short_lines: 1.0, ..FineWebConfig::default() };
        assert_eq!(rule(&config, "He said so\"").as_deref(), Some("punctuated-lines"));
        assert_eq!(rule(&config, "यह एक वाक्य है।"), None);
    }

    #[test]
    fn chinese_lines_are_shorter_and_end_in_more_marks() {
        let line = |n: usize| format!("这是第{n}行的文字，一共十六个字；");
        let text = (1..9).map(line).collect::<Vec<_>>().join("\n");
        assert_eq!(rule(&FineWebConfig::default(), &text), None);
        let compat = FineWebConfig { compat: Compat::Datatrove, ..FineWebConfig::default() };
        assert_eq!(rule(&compat, &text).as_deref(), Some("line_punct_ratio"));
        assert_eq!(
            rule(&FineWebConfig::default(), &text.replace('，', "，\n")).as_deref(),
            Some("short-lines")
        );
    }
}
