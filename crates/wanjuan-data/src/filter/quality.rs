//! The stage `gopher-quality`: document statistics of Gopher (arXiv 2112.11446, appendix A.1), decision by
//! decision as `GopherQualityFilter` of huggingface/datatrove@a649de7.

use serde::{Deserialize, Serialize};

use super::words::{is_punctuation, length, ratio, words};
use crate::{Document, Reason, Stage, Verdict};

/// Thresholds; 0 switches a rule off, as in datatrove. Defaults are Gopher's.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct GopherQualityConfig {
    /// Fewest words with a character that is not punctuation. Gopher: 50.
    pub min_words: usize,
    /// Most such words. Gopher: 100,000.
    pub max_words: usize,
    /// Shortest mean word length in characters. Gopher: 3.
    pub min_mean_word_length: f64,
    /// Longest mean word length in characters. Gopher: 10.
    pub max_mean_word_length: f64,
    /// Most `#` and most ellipses, each per word. Gopher: 0.1.
    pub max_symbol_word_ratio: f64,
    /// Largest share of lines that start with a bullet or dash. Gopher: 0.9.
    pub max_bullet_lines_ratio: f64,
    /// Largest share of lines that end in an ellipsis. Gopher: 0.3.
    pub max_ellipsis_lines_ratio: f64,
    /// Smallest share of words with a letter. Gopher: 0.8.
    pub min_alpha_words_ratio: f64,
    /// Fewest distinct of: the be to of and that have with. Gopher: 2.
    pub min_stop_words: usize,
}

impl Default for GopherQualityConfig {
    fn default() -> Self {
        Self {
            min_words: 50,
            max_words: 100_000,
            min_mean_word_length: 3.0,
            max_mean_word_length: 10.0,
            max_symbol_word_ratio: 0.1,
            max_bullet_lines_ratio: 0.9,
            max_ellipsis_lines_ratio: 0.3,
            min_alpha_words_ratio: 0.8,
            min_stop_words: 2,
        }
    }
}

/// Case-sensitive.
const STOP_WORDS: [&str; 8] = ["the", "be", "to", "of", "and", "that", "have", "with"];

/// The stage.
#[derive(Clone, Debug, Default)]
pub struct GopherQuality {
    config: GopherQualityConfig,
}

impl GopherQuality {
    /// The stage with `config`.
    #[must_use]
    pub fn new(config: GopherQualityConfig) -> Self {
        Self { config }
    }

    /// The first rule that `text` fails.
    #[must_use]
    pub fn reason(&self, text: &str) -> Option<Reason> {
        let words = words(text);
        self.word_rules(&words)
            .or_else(|| self.symbol_rules(text, words.len()))
            .or_else(|| self.line_rules(text))
            .or_else(|| self.language_rules(&words))
    }

    fn word_rules(&self, words: &[&str]) -> Option<Reason> {
        let config = &self.config;
        let real = || words.iter().filter(|word| word.chars().any(|c| !is_punctuation(c)));
        let count = real().count();
        if config.min_words > 0 && count < config.min_words {
            return Some(Reason::below("too-few-words", count as f64, config.min_words as f64));
        }
        if config.max_words > 0 && count > config.max_words {
            return Some(Reason::above("too-many-words", count as f64, config.max_words as f64));
        }
        let mean = ratio(real().map(|word| length(word)).sum(), count);
        if config.min_mean_word_length > 0.0 && mean < config.min_mean_word_length {
            return Some(Reason::below("short-words", mean, config.min_mean_word_length));
        }
        if config.max_mean_word_length > 0.0 && mean > config.max_mean_word_length {
            return Some(Reason::above("long-words", mean, config.max_mean_word_length));
        }
        None
    }

    fn symbol_rules(&self, text: &str, words: usize) -> Option<Reason> {
        let limit = self.config.max_symbol_word_ratio;
        if limit == 0.0 {
            return None;
        }
        let hashes = ratio(text.matches('#').count(), words);
        if hashes > limit {
            return Some(Reason::above("hash-signs", hashes, limit));
        }
        let ellipses = ratio(text.matches("...").count() + text.matches('…').count(), words);
        (ellipses > limit).then(|| Reason::above("ellipses", ellipses, limit))
    }

    fn line_rules(&self, text: &str) -> Option<Reason> {
        let lines: Vec<&str> = text.lines().collect();
        let share =
            |rule: &dyn Fn(&str) -> bool| ratio(lines.iter().filter(|line| rule(line)).count(), lines.len());
        let limit = self.config.max_bullet_lines_ratio;
        let bullets = share(&|line| line.trim_start().starts_with(['•', '-']));
        if limit > 0.0 && bullets > limit {
            return Some(Reason::above("bullet-lines", bullets, limit));
        }
        let limit = self.config.max_ellipsis_lines_ratio;
        let ends = share(&|line| line.trim_end().ends_with("...") || line.trim_end().ends_with('…'));
        (limit > 0.0 && ends > limit).then(|| Reason::above("ellipsis-lines", ends, limit))
    }

    fn language_rules(&self, words: &[&str]) -> Option<Reason> {
        let limit = self.config.min_alpha_words_ratio;
        let alpha = words.iter().filter(|word| word.chars().any(char::is_alphabetic)).count();
        let alpha = ratio(alpha, words.len());
        if limit > 0.0 && alpha < limit {
            return Some(Reason::below("words-without-letters", alpha, limit));
        }
        let found = STOP_WORDS.iter().filter(|stop| words.contains(stop)).count();
        let limit = self.config.min_stop_words;
        (found < limit).then(|| Reason::below("stop-words", found as f64, limit as f64))
    }
}

impl Stage for GopherQuality {
    fn name(&self) -> &'static str {
        "gopher-quality"
    }

    fn apply(&self, document: Document) -> Verdict {
        let reason = self.reason(&document.content);
        Verdict::from_reason(document, reason)
    }
}
