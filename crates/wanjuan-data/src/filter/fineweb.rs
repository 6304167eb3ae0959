//! The stage `fineweb`: line statistics of FineWeb (arXiv 2406.17557, section 3.6), as
//! `FineWebQualityFilter` of huggingface/datatrove@a649de7.

use serde::{Deserialize, Serialize};

use super::repetition::duplicates;
use super::words::{length, ratio, words};
use crate::{Document, Reason, Stage, Verdict};

/// Thresholds. Defaults are FineWeb's.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct FineWebConfig {
    /// Smallest share of lines that end in terminal punctuation. FineWeb: 0.12.
    pub min_punctuated_lines: f64,
    /// Lines of at most this many characters are short. FineWeb: 30.
    pub short_line_length: usize,
    /// Largest share of short lines. FineWeb: 0.67.
    pub max_short_lines: f64,
    /// Largest share of characters in repeated lines. FineWeb: 0.01.
    pub max_duplicate_line_chars: f64,
    /// Most line feeds per word. FineWeb: 0.3.
    pub max_line_feeds_per_word: f64,
}

impl Default for FineWebConfig {
    fn default() -> Self {
        Self {
            min_punctuated_lines: 0.12,
            short_line_length: 30,
            max_short_lines: 0.67,
            max_duplicate_line_chars: 0.01,
            max_line_feeds_per_word: 0.3,
        }
    }
}

/// The stage.
#[derive(Clone, Debug, Default)]
pub struct FineWeb {
    config: FineWebConfig,
}

impl FineWeb {
    /// The stage with `config`.
    #[must_use]
    pub fn new(config: FineWebConfig) -> Self {
        Self { config }
    }

    /// The first rule that `text` fails.
    #[must_use]
    pub fn reason(&self, text: &str) -> Option<Reason> {
        let config = &self.config;
        let lines: Vec<&str> = text.split('\n').filter(|line| !line.trim().is_empty()).collect();
        if lines.is_empty() {
            return Some(Reason::new("empty"));
        }
        let punctuated = lines.iter().filter(|line| line.ends_with(is_terminal)).count();
        let share = ratio(punctuated, lines.len());
        if share < config.min_punctuated_lines {
            return Some(Reason::below("punctuated-lines", share, config.min_punctuated_lines));
        }
        let short = lines.iter().filter(|line| length(line) <= config.short_line_length).count();
        let share = ratio(short, lines.len());
        if share > config.max_short_lines {
            return Some(Reason::above("short-lines", share, config.max_short_lines));
        }
        let line_feeds = text.matches('\n').count();
        let share = ratio(duplicates(&lines).1, length(text) - line_feeds);
        if share > config.max_duplicate_line_chars {
            return Some(Reason::above("duplicate-line-chars", share, config.max_duplicate_line_chars));
        }
        let share = ratio(line_feeds, words(text).len());
        (share > config.max_line_feeds_per_word)
            .then(|| Reason::above("line-feeds", share, config.max_line_feeds_per_word))
    }
}

/// Terminal punctuation of several scripts.
fn is_terminal(c: char) -> bool {
    matches!(
        c,
        '.' | '!'
            | '?'
            | '"'
            | '\''
            | '…'
            | '。'
            | '！'
            | '？'
            | '”'
            | '’'
            | '؟'
            | '۔'
            | '।'
            | '։'
            | '።'
            | '‽'
            | '⁇'
            | '⁈'
            | '⁉'
    )
}

impl Stage for FineWeb {
    fn name(&self) -> &'static str {
        "fineweb"
    }

    fn apply(&self, document: Document) -> Verdict {
        let reason = self.reason(&document.content);
        Verdict::from_reason(document, reason)
    }
}
