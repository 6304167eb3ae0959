//! The stage `gopher-quality`: document statistics of Gopher (arXiv 2112.11446, appendix A.1), decision by
//! decision as in `GopherQualityFilter` of huggingface/datatrove@a649de7, and their Chinese counterparts.

use serde::{Deserialize, Serialize};

use super::marks::is_symbol;
use super::python::{is_letter, lines, strip};
use super::words::{ratio, word_length};
use super::{Compat, Decision, RuleSet, View, Writing, rule_set};
use crate::{Document, Reason, Stage, Verdict};

/// Settings of `gopher-quality`; 0 switches a rule off, as in datatrove. Defaults are Gopher's.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct GopherQualityConfig {
    /// Minimum number of words; words that are all punctuation do not count. Gopher: 50.
    pub min_words: usize,
    /// Maximum number of words, counted in the same way. Gopher: 100,000.
    pub max_words: usize,
    /// Minimum mean length of words in characters. Gopher: 3.
    pub min_mean_word_length: f64,
    /// Maximum mean length of words in characters. Gopher: 10.
    pub max_mean_word_length: f64,
    /// Maximum number of `#`, and of ellipses, per word. Gopher: 0.1.
    pub max_symbol_word_ratio: f64,
    /// Maximum share of lines that start with a bullet or dash. Gopher: 0.9.
    pub max_bullet_lines_ratio: f64,
    /// Maximum share of lines that end in an ellipsis. Gopher: 0.3.
    pub max_ellipsis_lines_ratio: f64,
    /// Minimum share of words with a letter. Gopher: 0.8.
    pub min_alpha_words_ratio: f64,
    /// Minimum number of distinct stop words. Gopher: 2.
    pub min_stop_words: usize,
    /// Stop words, case-sensitive. Gopher: the be to of and that have with.
    pub stop_words: Vec<String>,
    /// Whose decisions to reproduce. Default `none`.
    pub compat: Compat,
    /// The counterparts for Chinese text.
    pub chinese: ChineseQualityConfig,
}

/// Gopher's rules for Chinese text; 0 switches a rule off. A unit is a Chinese character, or a word or number of
/// another script; a Chinese word is about 1.6 units. All defaults are ours.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct ChineseQualityConfig {
    /// Minimum number of units. Ours: 80 = 50 words.
    pub min_units: usize,
    /// Maximum number of units. Ours: 160,000 = 100,000 words.
    pub max_units: usize,
    /// Minimum mean length of clauses, in units between punctuation marks or line ends. Ours: 3.
    pub min_mean_clause_length: f64,
    /// Maximum mean length of clauses in units. Ours: 60.
    pub max_mean_clause_length: f64,
    /// Maximum number of `#`, and of ellipses, per unit. Ours: 0.06 = 0.1 per word.
    pub max_symbol_unit_ratio: f64,
    /// Maximum share of lines that start with a bullet or dash, Chinese ones (·●■◆★※) included. Ours: 0.9.
    pub max_bullet_lines_ratio: f64,
    /// Maximum share of lines that end in an ellipsis. Ours: 0.3.
    pub max_ellipsis_lines_ratio: f64,
    /// Minimum share of units with a letter among units and punctuation marks. Ours: 0.7.
    pub min_letter_ratio: f64,
    /// Minimum number of distinct stop words. Ours: 2.
    pub min_stop_words: usize,
    /// Stop words, one character each. Ours: 的 是 在 了 和 有 不 这 這 也 就 为 為 与 與.
    pub stop_words: Vec<String>,
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
            stop_words: ["the", "be", "to", "of", "and", "that", "have", "with"].map(str::to_owned).to_vec(),
            compat: Compat::None,
            chinese: ChineseQualityConfig::default(),
        }
    }
}

impl Default for ChineseQualityConfig {
    fn default() -> Self {
        Self {
            min_units: 80,
            max_units: 160_000,
            min_mean_clause_length: 3.0,
            max_mean_clause_length: 60.0,
            max_symbol_unit_ratio: 0.06,
            max_bullet_lines_ratio: 0.9,
            max_ellipsis_lines_ratio: 0.3,
            min_letter_ratio: 0.7,
            min_stop_words: 2,
            stop_words: "的是在了和有不这這也就为為与與".chars().map(String::from).collect(),
        }
    }
}

/// The thresholds that apply to one text.
struct Limits<'a> {
    min_words: usize,
    max_words: usize,
    min_mean_length: f64,
    max_mean_length: f64,
    symbols: f64,
    bullets: f64,
    bullet_marks: &'static [char],
    ellipses: f64,
    letters: f64,
    min_stop_words: usize,
    stop_words: &'a [String],
}

/// Drops texts by word counts, word lengths, symbols and stop words.
#[derive(Clone, Debug, Default)]
pub struct GopherQuality {
    config: GopherQualityConfig,
}

impl GopherQuality {
    /// A stage with these settings; they are not checked again.
    #[must_use]
    pub fn new(config: GopherQualityConfig) -> Self {
        Self { config }
    }

    /// The first rule that `text` fails.
    #[must_use]
    pub fn reason(&self, text: &str) -> Option<Reason> {
        self.decide(&View::new(text)).reason().cloned()
    }

    fn limits(&self, writing: Writing) -> Limits<'_> {
        let (config, chinese) = (&self.config, &self.config.chinese);
        match writing {
            Writing::Spaced => Limits {
                min_words: config.min_words,
                max_words: config.max_words,
                min_mean_length: config.min_mean_word_length,
                max_mean_length: config.max_mean_word_length,
                symbols: config.max_symbol_word_ratio,
                bullets: config.max_bullet_lines_ratio,
                bullet_marks: &['•', '-'],
                ellipses: config.max_ellipsis_lines_ratio,
                letters: config.min_alpha_words_ratio,
                min_stop_words: config.min_stop_words,
                stop_words: &config.stop_words,
            },
            Writing::Chinese => Limits {
                min_words: chinese.min_units,
                max_words: chinese.max_units,
                min_mean_length: chinese.min_mean_clause_length,
                max_mean_length: chinese.max_mean_clause_length,
                symbols: chinese.max_symbol_unit_ratio,
                bullets: chinese.max_bullet_lines_ratio,
                bullet_marks: &['•', '-', '—', '·', '●', '○', '■', '□', '◆', '◇', '★', '☆', '※', '▪'],
                ellipses: chinese.max_ellipsis_lines_ratio,
                letters: chinese.min_letter_ratio,
                min_stop_words: chinese.min_stop_words,
                stop_words: &chinese.stop_words,
            },
        }
    }
}

/// What the words of a text add up to.
#[derive(Default)]
struct Tally {
    words: usize,
    /// Words with a character that is not punctuation, and their characters.
    real: usize,
    real_characters: usize,
    with_letter: usize,
    stop_words: usize,
}

impl Tally {
    fn of(words: &[&str], stop_words: &[String]) -> Self {
        let mut tally = Self { words: words.len(), ..Self::default() };
        let longest = stop_words.iter().map(String::len).max().unwrap_or(0);
        let mut found = vec![false; stop_words.len()];
        for word in words {
            if word.chars().any(|c| !is_symbol(c)) {
                tally.real += 1;
                tally.real_characters += word_length(word);
            }
            tally.with_letter += usize::from(word.chars().any(is_letter));
            if word.len() <= longest
                && let Some(at) = stop_words.iter().position(|stop| stop == word)
            {
                found[at] = true;
            }
        }
        tally.stop_words = found.into_iter().filter(|found| *found).count();
        tally
    }
}

/// `text` is the text of `view` that is judged.
fn reason(limits: &Limits<'_>, view: &View<'_>, text: &str, writing: Writing) -> Option<Reason> {
    let tally = Tally::of(view.words(), limits.stop_words);
    let mean = match writing {
        Writing::Spaced => ratio(tally.real_characters, tally.real),
        Writing::Chinese => ratio(tally.real, clauses(text)),
    };
    word_rules(limits, &tally, mean)
        .or_else(|| symbol_rules(limits, text, tally.words, writing))
        .or_else(|| line_rules(limits, text))
        .or_else(|| language_rules(limits, &tally))
}

fn word_rules(limits: &Limits<'_>, tally: &Tally, mean: f64) -> Option<Reason> {
    let (min, max) = (limits.min_words, limits.max_words);
    if min > 0 && tally.real < min {
        return Some(Reason::below("too-few-words", tally.real as f64, min as f64));
    }
    if max > 0 && tally.real > max {
        return Some(Reason::above("too-many-words", tally.real as f64, max as f64));
    }
    // Without words there is no mean to judge.
    let (min, max) = (limits.min_mean_length, limits.max_mean_length);
    if min > 0.0 && mean < min && tally.real > 0 {
        return Some(Reason::below("short-words", mean, min));
    }
    (max > 0.0 && mean > max).then(|| Reason::above("long-words", mean, max))
}

fn symbol_rules(limits: &Limits<'_>, text: &str, words: usize, writing: Writing) -> Option<Reason> {
    let limit = limits.symbols;
    if limit == 0.0 {
        return None;
    }
    let hashes = ratio(text.matches('#').count(), words);
    if hashes > limit {
        return Some(Reason::above("hash-signs", hashes, limit));
    }
    let ellipses = text.matches("...").count() + text.matches('…').count();
    let ellipses = match writing {
        Writing::Spaced => ellipses,
        // A Chinese ellipsis is two characters.
        Writing::Chinese => ellipses - text.matches("……").count(),
    };
    let ellipses = ratio(ellipses, words);
    (ellipses > limit).then(|| Reason::above("ellipses", ellipses, limit))
}

fn line_rules(limits: &Limits<'_>, text: &str) -> Option<Reason> {
    let (mut count, mut bullets, mut ellipses) = (0, 0, 0);
    for line in lines(text).map(strip) {
        count += 1;
        bullets += usize::from(line.starts_with(limits.bullet_marks));
        ellipses += usize::from(line.ends_with("...") || line.ends_with('…'));
    }
    let (bullets, ellipses) = (ratio(bullets, count), ratio(ellipses, count));
    if limits.bullets > 0.0 && bullets > limits.bullets {
        return Some(Reason::above("bullet-lines", bullets, limits.bullets));
    }
    (limits.ellipses > 0.0 && ellipses > limits.ellipses)
        .then(|| Reason::above("ellipsis-lines", ellipses, limits.ellipses))
}

fn language_rules(limits: &Limits<'_>, tally: &Tally) -> Option<Reason> {
    let letters = ratio(tally.with_letter, tally.words);
    if limits.letters > 0.0 && letters < limits.letters && tally.words > 0 {
        return Some(Reason::below("words-without-letters", letters, limits.letters));
    }
    let (found, limit) = (tally.stop_words, limits.min_stop_words);
    (found < limit).then(|| Reason::below("stop-words", found as f64, limit as f64))
}

/// Runs of characters between punctuation marks and line ends that hold more than white space.
fn clauses(text: &str) -> usize {
    let is_mark = |c: char| is_symbol(c) || matches!(c, '\n' | '‘' | '·');
    text.split(is_mark).filter(|clause| !strip(clause).is_empty()).count()
}

impl RuleSet for GopherQuality {
    fn decide(&self, view: &View<'_>) -> Decision {
        let writing = self.config.compat.writing(view);
        let text = self.config.compat.text(view);
        let reason = reason(&self.limits(writing), view, text, writing);
        Decision::from_reason(reason.map(|reason| self.config.compat.name(self.name(), reason)))
    }
}

impl Stage for GopherQuality {
    fn name(&self) -> &'static str {
        "gopher-quality"
    }

    fn apply(&self, document: Document) -> Verdict {
        rule_set::apply(self, document)
    }
}

#[cfg(test)]
mod tests;
