//! The stage `gopher-repetition`: repetition inside a document, Gopher's table A1 (arXiv 2112.11446),
//! decision by decision as `GopherRepetitionFilter` of huggingface/datatrove@a649de7.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3DefaultBuilder;

use super::words::{length, ratio, words};
use crate::{Document, Reason, Stage, Verdict};

/// Limits; 0 or an empty list switches a rule off. Defaults are Gopher's.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct GopherRepetitionConfig {
    /// Largest share of repeated lines. Gopher: 0.30.
    pub max_duplicate_lines: f64,
    /// Largest share of repeated paragraphs. Gopher: 0.30.
    pub max_duplicate_paragraphs: f64,
    /// Largest share of characters in repeated lines. Gopher: 0.20.
    pub max_duplicate_line_chars: f64,
    /// Largest share of characters in repeated paragraphs. Gopher: 0.20.
    pub max_duplicate_paragraph_chars: f64,
    /// Largest share of characters in the most frequent n-gram. Gopher: 2: .20, 3: .18, 4: .16.
    pub top_n_grams: Vec<NGramLimit>,
    /// Largest share of characters in repeated n-grams. Gopher: 5: .15, 6: .14, ... 10: .10.
    pub duplicate_n_grams: Vec<NGramLimit>,
}

/// A limit for n-grams of one length.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct NGramLimit {
    /// Words per n-gram.
    pub n: usize,
    /// Largest share of the characters of the text.
    pub max: f64,
}

impl Default for GopherRepetitionConfig {
    fn default() -> Self {
        let limits =
            |pairs: &[(usize, f64)]| pairs.iter().map(|(n, max)| NGramLimit { n: *n, max: *max }).collect();
        Self {
            max_duplicate_lines: 0.30,
            max_duplicate_paragraphs: 0.30,
            max_duplicate_line_chars: 0.20,
            max_duplicate_paragraph_chars: 0.20,
            top_n_grams: limits(&[(2, 0.20), (3, 0.18), (4, 0.16)]),
            duplicate_n_grams: limits(&[(5, 0.15), (6, 0.14), (7, 0.13), (8, 0.12), (9, 0.11), (10, 0.10)]),
        }
    }
}

/// The stage.
#[derive(Clone, Debug, Default)]
pub struct GopherRepetition {
    config: GopherRepetitionConfig,
}

impl GopherRepetition {
    /// The stage with `config`.
    #[must_use]
    pub fn new(config: GopherRepetitionConfig) -> Self {
        Self { config }
    }

    /// The first rule that `text` fails.
    #[must_use]
    pub fn reason(&self, text: &str) -> Option<Reason> {
        let characters = length(text);
        self.part_rules(text, characters).or_else(|| self.n_gram_rules(text, characters))
    }

    fn part_rules(&self, text: &str, characters: usize) -> Option<Reason> {
        let config = &self.config;
        let above = |rule, value: f64, limit: f64| {
            (limit > 0.0 && value > limit).then(|| Reason::above(rule, value, limit))
        };
        let paragraphs: Vec<&str> = split_runs(text.trim(), 2);
        let (repeated, repeated_chars) = duplicates(&paragraphs);
        let share = ratio(repeated, paragraphs.len());
        let char_share = ratio(repeated_chars, characters);
        let reason = above("duplicate-paragraphs", share, config.max_duplicate_paragraphs)
            .or_else(|| above("duplicate-paragraph-chars", char_share, config.max_duplicate_paragraph_chars));
        if reason.is_some() {
            return reason;
        }
        let lines = split_runs(text, 1);
        let (repeated, repeated_chars) = duplicates(&lines);
        let share = ratio(repeated, lines.len());
        let char_share = ratio(repeated_chars, characters);
        above("duplicate-lines", share, config.max_duplicate_lines)
            .or_else(|| above("duplicate-line-chars", char_share, config.max_duplicate_line_chars))
    }

    fn n_gram_rules(&self, text: &str, characters: usize) -> Option<Reason> {
        let words = words(text);
        let spaced = Joined::new(&words, " ");
        for limit in &self.config.top_n_grams {
            let share = ratio(spaced.most_frequent(limit.n), characters);
            if share > limit.max {
                return Some(
                    Reason::above("top-n-gram", share, limit.max).with_detail(format!("n = {}", limit.n)),
                );
            }
        }
        let dense = Joined::new(&words, "");
        for limit in &self.config.duplicate_n_grams {
            let share = ratio(dense.repeated(limit.n), characters);
            if share > limit.max {
                let reason = Reason::above("duplicate-n-grams", share, limit.max);
                return Some(reason.with_detail(format!("n = {}", limit.n)));
            }
        }
        None
    }
}

impl Stage for GopherRepetition {
    fn name(&self) -> &'static str {
        "gopher-repetition"
    }

    fn apply(&self, document: Document) -> Verdict {
        let reason = self.reason(&document.content);
        Verdict::from_reason(document, reason)
    }
}

/// Splits at runs of at least `at_least` line feeds, like Python's `re.split(r"\n{at_least,}", text)`.
pub(super) fn split_runs(text: &str, at_least: usize) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut at) = (0, 0);
    let bytes = text.as_bytes();
    while at < bytes.len() {
        let run = bytes[at..].iter().take_while(|byte| **byte == b'\n').count();
        if run >= at_least {
            parts.push(&text[start..at]);
            start = at + run;
        }
        at += run.max(1);
    }
    parts.push(&text[start..]);
    parts
}

/// How many parts were seen before, and their characters.
pub(super) fn duplicates(parts: &[&str]) -> (usize, usize) {
    let mut seen = HashSet::with_capacity_and_hasher(parts.len(), Xxh3DefaultBuilder::new());
    let repeated = parts.iter().filter(|part| !seen.insert(**part));
    repeated.fold((0, 0), |(count, chars), part| (count + 1, chars + length(part)))
}

/// Words joined into one text, so that every n-gram is a slice of it.
struct Joined {
    text: String,
    /// Byte and character at which word i starts, and the end of the last word.
    starts: Vec<(usize, usize)>,
    separator: usize,
}

impl Joined {
    fn new(words: &[&str], separator: &str) -> Self {
        let mut text = String::with_capacity(words.iter().map(|word| word.len() + separator.len()).sum());
        let mut starts = Vec::with_capacity(words.len() + 1);
        let mut characters = 0;
        for word in words {
            starts.push((text.len(), characters));
            text.push_str(word);
            text.push_str(separator);
            characters += length(word) + separator.len();
        }
        starts.push((text.len(), characters));
        Self { text, starts, separator: separator.len() }
    }

    /// The n-gram that starts at word `first`, and its length in characters.
    fn gram(&self, first: usize, n: usize) -> (&str, usize) {
        let ((from, from_char), (to, to_char)) = (self.starts[first], self.starts[first + n]);
        (&self.text[from..to - self.separator], to_char - from_char - self.separator)
    }

    fn count(&self, n: usize) -> usize {
        (self.starts.len() - 1 + 1).saturating_sub(n)
    }

    /// Length x count of the most frequent n-gram; of several, the one that came first. It counts even when
    /// it occurs once, as in datatrove.
    fn most_frequent(&self, n: usize) -> usize {
        let mut counts: HashMap<&str, usize, _> =
            HashMap::with_capacity_and_hasher(self.count(n), Xxh3DefaultBuilder::new());
        for first in 0..self.count(n) {
            *counts.entry(self.gram(first, n).0).or_default() += 1;
        }
        let most = counts.values().copied().max().unwrap_or(0);
        let first =
            (0..self.count(n)).map(|first| self.gram(first, n)).find(|(gram, _)| counts[gram] == most);
        first.map_or(0, |(_, characters)| characters * most)
    }

    /// Characters in n-grams that were seen before, scanned from the left, n words on after a hit.
    fn repeated(&self, n: usize) -> usize {
        let mut seen = HashSet::with_capacity_and_hasher(self.count(n), Xxh3DefaultBuilder::new());
        let (mut at, mut total) = (0, 0);
        while at < self.count(n) {
            let (gram, characters) = self.gram(at, n);
            if insert(&mut seen, gram) {
                at += 1;
            } else {
                total += characters;
                at += n;
            }
        }
        total
    }
}

fn insert<T: Eq + Hash>(set: &mut HashSet<T, Xxh3DefaultBuilder>, value: T) -> bool {
    set.insert(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_split_like_pythons_re() {
        assert_eq!(split_runs("a\nb\n\n\nc", 2), ["a\nb", "c"]);
        assert_eq!(split_runs("a\n\nb\n", 1), ["a", "b", ""]);
        assert_eq!(split_runs("", 1), [""]);
    }

    #[test]
    fn n_grams_count_as_in_datatrove() {
        let words = ["a", "bb", "a", "bb", "c"];
        // "a bb" twice: 4 characters each.
        assert_eq!(Joined::new(&words, " ").most_frequent(2), 8);
        assert_eq!(Joined::new(&words, "").repeated(2), 3);
        assert_eq!(Joined::new(&words, " ").most_frequent(6), 0);
    }

    #[test]
    fn repeated_lines_are_the_reason() {
        let text = "Buy now.\n".repeat(9) + "And now for something completely different.";
        let reason = GopherRepetition::default().reason(&text).expect("drops");
        assert_eq!(reason.rule, "duplicate-lines");
        assert_eq!(reason.value, Some(0.8));
    }
}
