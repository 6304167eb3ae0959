//! The stage `c4`: line and document rules of C4 (arXiv 1910.10683, section 2.2), decision by decision as in
//! `C4QualityFilter` of huggingface/datatrove@a649de7, and their counterparts for Chinese text.

use std::borrow::Cow;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder};
use serde::{Deserialize, Serialize};
use unicode_segmentation::UnicodeSegmentation;

use super::citations::without_citations;
use super::marks::{is_chinese_closing_quote, is_chinese_terminal, is_han, is_symbol};
use super::python::{is_space, lines, split, strip};
use super::words::{length, words};
use super::{Compat, Decision, RuleSet, View, Writing, rule_set};
use crate::{Document, Reason, Stage, Verdict};

/// Settings of `c4`; -1 switches a threshold off. Both this and the defaults are as in datatrove.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct C4Config {
    /// Maximum length of a word in characters; lines with a longer one are dropped. Chinese characters do not count
    /// as words. C4 in datatrove: 1000.
    pub max_word_length: i64,
    /// Cut `[12]`, `[]`, `[edit]`, `[citation needed]` out of lines. Default true.
    pub remove_citations: bool,
    /// Drop lines that do not end in `. ? ! " '` or end in `...`. Default true; FineWeb switches it off.
    pub terminal_punctuation: bool,
    /// Minimum number of words (split at white space); shorter lines are dropped. C4: 3.
    pub min_words_per_line: i64,
    /// Drop the document at "lorem ipsum". Default true.
    pub lorem_ipsum: bool,
    /// Drop lines with "javascript". Default true.
    pub javascript: bool,
    /// Drop the document at `{`. Default true; off for text about programming.
    pub curly_bracket: bool,
    /// Drop lines with "terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies" or
    /// "use cookies"; in Chinese text also 隐私政策, 使用条款 and the like. Default true.
    pub policy: bool,
    /// Minimum number of sentences that have to be left of a document. C4: 5.
    pub min_sentences: i64,
    /// What happens to white space around lines and to empty lines: `strip` (C4, default) or `keep`, which
    /// leaves the indentation of code alone.
    pub white_space: LineWhitespace,
    /// Whose decisions to reproduce. Default `none`.
    pub compat: Compat,
    /// Thresholds that differ for Chinese text.
    pub chinese: ChineseC4Config,
}

/// C4's rules for Chinese text. Lines may end in 。！？；… with or without a closing quotation mark, and these marks
/// end sentences.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct ChineseC4Config {
    /// Minimum number of units (Chinese characters, words and numbers of other scripts) in a line. Ours: 5 = 3 words.
    pub min_units_per_line: i64,
}

/// What happens to white space around lines.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LineWhitespace {
    /// Trimmed, and empty lines removed, as C4 does.
    #[default]
    Strip,
    /// Kept, so that code keeps its indentation.
    Keep,
}

impl Default for C4Config {
    fn default() -> Self {
        Self {
            max_word_length: 1000,
            remove_citations: true,
            terminal_punctuation: true,
            min_words_per_line: 3,
            lorem_ipsum: true,
            javascript: true,
            curly_bracket: true,
            policy: true,
            min_sentences: 5,
            white_space: LineWhitespace::Strip,
            compat: Compat::None,
            chinese: ChineseC4Config::default(),
        }
    }
}

impl Default for ChineseC4Config {
    fn default() -> Self {
        Self { min_units_per_line: 5 }
    }
}

/// Phrases that decide about a line, in any case. The first two have rules of their own, the rest are notices of
/// policies; the Chinese ones start at number 8.
const PHRASES: [&str; 22] = [
    "lorem ipsum",
    "javascript",
    "terms of use",
    "privacy policy",
    "cookie policy",
    "uses cookies",
    "use of cookies",
    "use cookies",
    "使用条款",
    "使用條款",
    "服务条款",
    "服務條款",
    "隐私政策",
    "隱私政策",
    "隐私权政策",
    "隱私權政策",
    "隐私声明",
    "隱私聲明",
    "使用cookie",
    "使用 cookie",
    "cookie政策",
    "cookie 政策",
];

static PHRASE_FINDER: LazyLock<AhoCorasick> = LazyLock::new(|| {
    let finder = AhoCorasickBuilder::new().ascii_case_insensitive(true).build(PHRASES);
    finder.expect("two dozen short phrases fit an automaton")
});

/// Which kinds of [`PHRASES`] a line holds.
#[derive(Default)]
struct Phrases {
    lorem_ipsum: bool,
    javascript: bool,
    policy: bool,
}

impl Phrases {
    fn of(line: &str, writing: Writing) -> Self {
        // The Kelvin sign is the one character beyond ASCII whose lower case is a letter of these phrases.
        let line =
            if line.contains('\u{212a}') { Cow::Owned(line.replace('\u{212a}', "k")) } else { line.into() };
        let mut phrases = Self::default();
        for found in PHRASE_FINDER.find_overlapping_iter(line.as_ref()) {
            match found.pattern().as_usize() {
                0 => phrases.lorem_ipsum = true,
                1 => phrases.javascript = true,
                number => phrases.policy |= number < 8 || writing == Writing::Chinese,
            }
        }
        phrases
    }
}

/// Removes lines and drops texts as C4 does.
#[derive(Clone, Debug, Default)]
pub struct C4 {
    config: C4Config,
}

/// What happens to one line.
enum LineVerdict {
    Keep(String),
    Drop,
    DropDocument(&'static str),
}

impl C4 {
    /// A stage with these settings; they are not checked again.
    #[must_use]
    pub fn new(config: C4Config) -> Self {
        Self { config }
    }

    /// The text that is left after the line rules.
    ///
    /// # Errors
    /// The reason for which the document is dropped.
    pub fn filter(&self, text: &str) -> Result<String, Box<Reason>> {
        self.filter_view(&View::new(text))
    }

    fn filter_view(&self, view: &View<'_>) -> Result<String, Box<Reason>> {
        let keep = self.config.white_space == LineWhitespace::Keep;
        let writing = self.config.compat.writing(view);
        let lines: Vec<&str> = lines(view.text()).collect();
        let given = view.sentences().map(|sentences| sentences.per_line(view.text(), &lines));
        let mut kept: Vec<String> = Vec::new();
        let mut sentences = 0;
        for (number, line) in lines.into_iter().enumerate() {
            let stripped = strip(line);
            if keep && stripped.is_empty() {
                kept.push(String::new());
                continue;
            }
            match self.line(if keep { line.trim_end_matches(is_space) } else { stripped }, writing) {
                LineVerdict::Keep(line) => {
                    sentences += match &given {
                        Some(counts) => counts.get(number).copied().unwrap_or(0),
                        None if sentences < self.config.min_sentences => count_sentences(&line, writing),
                        None => 0,
                    } as i64;
                    kept.push(line);
                }
                LineVerdict::Drop => {}
                LineVerdict::DropDocument(rule) => return Err(Box::new(Reason::new(rule))),
            }
        }
        let limit = self.config.min_sentences;
        if sentences < limit {
            return Err(Box::new(Reason::below("too-few-sentences", sentences as f64, limit as f64)));
        }
        let text = kept.join("\n");
        Ok(if keep { text.trim_matches('\n').to_owned() } else { strip(&text).to_owned() })
    }

    fn line(&self, line: &str, writing: Writing) -> LineVerdict {
        let config = &self.config;
        if config.max_word_length >= 0 && has_longer_word(line, config.max_word_length as usize, writing) {
            return LineVerdict::Drop;
        }
        // Counted before citations are cut, and the line is not stripped after it, as datatrove does.
        let too_short = self.is_too_short(line, writing);
        let line = if config.remove_citations { without_citations(line) } else { line.to_owned() };
        if config.terminal_punctuation && !ends_a_sentence(&line, writing) || too_short {
            return LineVerdict::Drop;
        }
        let phrases = Phrases::of(&line, writing);
        if config.lorem_ipsum && phrases.lorem_ipsum {
            return LineVerdict::DropDocument("lorem-ipsum");
        }
        if config.javascript && phrases.javascript {
            return LineVerdict::Drop;
        }
        if config.curly_bracket && line.contains('{') {
            return LineVerdict::DropDocument("curly-bracket");
        }
        if config.policy && phrases.policy { LineVerdict::Drop } else { LineVerdict::Keep(line) }
    }

    fn is_too_short(&self, line: &str, writing: Writing) -> bool {
        let (min, enough) = match writing {
            Writing::Spaced => (self.config.min_words_per_line, split(line).count()),
            Writing::Chinese => {
                let is_unit = |word: &&str| word.chars().any(|c| !is_symbol(c));
                (self.config.chinese.min_units_per_line, words(line).into_iter().filter(is_unit).count())
            }
        };
        (enough as i64) < min
    }
}

fn has_longer_word(line: &str, longest: usize, writing: Writing) -> bool {
    // Bytes first: a line of fewer bytes has no such word.
    let is_longer = |word: &str| word.len() > longest && length(word) > longest;
    match writing {
        _ if line.len() <= longest => false,
        Writing::Spaced => line.split(is_space).any(is_longer),
        Writing::Chinese => line.split(|c| is_space(c) || is_han(c)).any(is_longer),
    }
}

fn ends_a_sentence(line: &str, writing: Writing) -> bool {
    let ascii = line.ends_with(['.', '?', '!', '"', '\'']) && !line.ends_with("...");
    match writing {
        Writing::Spaced => ascii,
        Writing::Chinese => {
            ascii
                || line.ends_with(|c: char| {
                    !c.is_ascii() && (is_chinese_terminal(c) || is_chinese_closing_quote(c))
                })
        }
    }
}

/// Sentences by UAX 29; in Chinese text, runs of characters between terminal marks.
fn count_sentences(line: &str, writing: Writing) -> usize {
    match writing {
        Writing::Spaced => line.unicode_sentences().count(),
        Writing::Chinese => {
            let has_word = |part: &&str| part.chars().any(|c| !is_symbol(c) && !is_space(c));
            line.split(is_chinese_terminal).filter(has_word).count()
        }
    }
}

impl RuleSet for C4 {
    fn decide(&self, view: &View<'_>) -> Decision {
        match self.filter_view(view) {
            Ok(text) if text == view.text() => Decision::Keep,
            Ok(text) => Decision::Rewrite(text),
            Err(reason) => Decision::Drop(Box::new(self.config.compat.name(self.name(), *reason))),
        }
    }
}

impl Stage for C4 {
    fn name(&self) -> &'static str {
        "c4"
    }

    fn apply(&self, document: Document) -> Verdict {
        rule_set::apply(self, document)
    }
}

#[cfg(test)]
mod tests;
