//! The stage `gopher-repetition`: repetition inside a document, Gopher's table A1 (arXiv 2112.11446),
//! decision by decision as in `GopherRepetitionFilter` of huggingface/datatrove@a649de7, and for Chinese text.

use serde::{Deserialize, Serialize};

use super::grams::{Grams, Separator, duplicates};
use super::python::strip;
use super::words::ratio;
use super::{Compat, Decision, RuleSet, View, Writing, rule_set};
use crate::{Document, Reason, Stage, Verdict};

/// Settings of `gopher-repetition`; 0 (lines and paragraphs) or an empty list (n-grams) switches a rule off, as in datatrove. Defaults are
/// Gopher's.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct GopherRepetitionConfig {
    /// Maximum share of repeated lines. Gopher: 0.30.
    pub max_duplicate_lines: f64,
    /// Maximum share of repeated paragraphs. Gopher: 0.30.
    pub max_duplicate_paragraphs: f64,
    /// Maximum share of characters in repeated lines. Gopher: 0.20.
    pub max_duplicate_line_chars: f64,
    /// Maximum share of characters in repeated paragraphs. Gopher: 0.20.
    pub max_duplicate_paragraph_chars: f64,
    /// Maximum share of characters in the most frequent n-gram. Gopher: 2: .20, 3: .18, 4: .16.
    pub top_n_grams: Vec<NGramLimit>,
    /// Maximum share of characters in repeated n-grams. Gopher: 5: .15, 6: .14, ... 10: .10.
    pub duplicate_n_grams: Vec<NGramLimit>,
    /// Whose decisions to reproduce. Default `none`.
    pub compat: Compat,
    /// Limits on n-grams of Chinese text; lines and paragraphs have the limits above.
    pub chinese: ChineseRepetitionConfig,
}

/// N-grams of Chinese text, in characters: Gopher's lengths times 1.6, a Chinese word's characters, with Gopher's
/// limits. All defaults are ours.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct ChineseRepetitionConfig {
    /// Maximum share of characters in the most frequent n-gram. Ours: 3: .20, 5: .18, 6: .16.
    pub top_n_grams: Vec<NGramLimit>,
    /// Maximum share of characters in repeated n-grams. Ours: 8: .15, 10: .14, 11: .13, 13: .12, 14: .11, 16: .10.
    pub duplicate_n_grams: Vec<NGramLimit>,
}

/// A limit for n-grams of one length.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct NGramLimit {
    /// Words per n-gram; characters in Chinese text.
    pub n: usize,
    /// Maximum share of the characters of the text.
    pub max: f64,
}

impl GopherRepetitionConfig {
    /// Every problem as `key: found X, expected Y`.
    pub(crate) fn problems(&self) -> Vec<String> {
        let chinese = self.chinese.top_n_grams.iter().chain(&self.chinese.duplicate_n_grams);
        let mut limits = self.top_n_grams.iter().chain(&self.duplicate_n_grams).chain(chinese);
        let problem = || "n: found 0, expected at least 1".to_owned();
        limits.any(|limit| limit.n == 0).then(problem).into_iter().collect()
    }
}

fn limits(pairs: &[(usize, f64)]) -> Vec<NGramLimit> {
    pairs.iter().map(|(n, max)| NGramLimit { n: *n, max: *max }).collect()
}

impl Default for GopherRepetitionConfig {
    fn default() -> Self {
        Self {
            max_duplicate_lines: 0.30,
            max_duplicate_paragraphs: 0.30,
            max_duplicate_line_chars: 0.20,
            max_duplicate_paragraph_chars: 0.20,
            top_n_grams: limits(&[(2, 0.20), (3, 0.18), (4, 0.16)]),
            duplicate_n_grams: limits(&[(5, 0.15), (6, 0.14), (7, 0.13), (8, 0.12), (9, 0.11), (10, 0.10)]),
            compat: Compat::None,
            chinese: ChineseRepetitionConfig::default(),
        }
    }
}

impl Default for ChineseRepetitionConfig {
    fn default() -> Self {
        Self {
            top_n_grams: limits(&[(3, 0.20), (5, 0.18), (6, 0.16)]),
            duplicate_n_grams: limits(&[
                (8, 0.15),
                (10, 0.14),
                (11, 0.13),
                (13, 0.12),
                (14, 0.11),
                (16, 0.10),
            ]),
        }
    }
}

/// Drops texts that repeat lines, paragraphs or n-grams.
#[derive(Clone, Debug, Default)]
pub struct GopherRepetition {
    config: GopherRepetitionConfig,
}

impl GopherRepetition {
    /// A stage with these settings; they are not checked again.
    #[must_use]
    pub fn new(config: GopherRepetitionConfig) -> Self {
        Self { config }
    }

    /// The first rule that `text` fails.
    #[must_use]
    pub fn reason(&self, text: &str) -> Option<Reason> {
        self.decide(&View::new(text)).reason().cloned()
    }

    fn part_rules(&self, view: &View<'_>) -> Option<Reason> {
        let config = &self.config;
        let (text, characters) = (config.compat.text(view), config.compat.characters(view));
        let above = |rule: &'static str, value: f64, limit: f64| {
            (limit > 0.0 && value > limit).then(|| Reason::above(rule, value, limit))
        };
        let paragraphs: Vec<&str> = split_runs(strip(text), 2);
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

    fn n_gram_rules(&self, view: &View<'_>) -> Option<Reason> {
        let (config, chinese) = (&self.config, &self.config.chinese);
        let (top, duplicate, separator) = match config.compat.writing(view) {
            Writing::Spaced => (&config.top_n_grams, &config.duplicate_n_grams, Separator::Space),
            Writing::Chinese => (&chinese.top_n_grams, &chinese.duplicate_n_grams, Separator::Nothing),
        };
        let characters = config.compat.characters(view);
        let longest = |limits: &[NGramLimit]| limits.iter().map(|limit| limit.n).max().unwrap_or(0);
        let spaced = Grams::new(view.words(), separator, longest(top));
        for NGramLimit { n, max } in top {
            let share = ratio(spaced.most_frequent(*n), characters);
            if share > *max {
                return Some(Reason::above(format!("top-{n}-gram"), share, *max));
            }
        }
        let mut dense = Grams::new(view.words(), Separator::Nothing, longest(duplicate));
        for NGramLimit { n, max } in duplicate {
            let share = ratio(dense.repeated(*n), characters);
            if share > *max {
                return Some(Reason::above(format!("duplicate-{n}-grams"), share, *max));
            }
        }
        None
    }
}

impl RuleSet for GopherRepetition {
    fn decide(&self, view: &View<'_>) -> Decision {
        let reason = self.part_rules(view).or_else(|| self.n_gram_rules(view));
        Decision::from_reason(reason.map(|reason| self.config.compat.name(self.name(), reason)))
    }
}

impl Stage for GopherRepetition {
    fn name(&self) -> &'static str {
        "gopher-repetition"
    }

    fn apply(&self, document: Document) -> Verdict {
        rule_set::apply(self, document)
    }
}

/// Splits at runs of at least `at_least` line feeds, like Python's `re.split(r"\n{at_least,}", text)`.
fn split_runs(text: &str, at_least: usize) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut at) = (0, 0);
    while let Some(found) = text[at..].find('\n') {
        at += found;
        let run = text.as_bytes()[at..].iter().take_while(|byte| **byte == b'\n').count();
        if run >= at_least {
            parts.push(&text[start..at]);
            start = at + run;
        }
        at += run;
    }
    parts.push(&text[start..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> Option<String> {
        GopherRepetition::default().reason(text).map(|reason| reason.rule.into_owned())
    }

    #[test]
    fn runs_split_like_pythons_re() {
        assert_eq!(split_runs("a\nb\n\n\nc", 2), ["a\nb", "c"]);
        assert_eq!(split_runs("a\n\nb\n", 1), ["a", "b", ""]);
        assert_eq!(split_runs("\n\na", 2), ["", "a"]);
        assert_eq!(split_runs("", 1), [""]);
    }

    #[test]
    fn repeated_lines_are_the_reason() {
        let text = "Buy now.\n".repeat(9) + "And now for something completely different.";
        let reason = GopherRepetition::default().reason(&text).expect("drops");
        assert_eq!(reason.rule, "duplicate-lines");
        assert_eq!(reason.value, Some(0.8));
    }

    #[test]
    fn blank_lines_are_not_repeated_lines() {
        let parts =
            ["The mill stands by a river.", "A bridge was built here.", "Children come every morning."];
        let datatrove =
            GopherRepetitionConfig { compat: Compat::Datatrove, ..GopherRepetitionConfig::default() };
        for blank in ["\n\n", "\r\n\r\n\r\n", "\r\r\r", "\n\t\n \n\u{3000}\n", "\n\u{a0}\n\u{a0}\n\u{a0}\n"] {
            for text in [parts.join(blank), format!("{0}{1}{0}{0}", blank, parts.join("\n"))] {
                let rule = rule(&text);
                assert!(rule.as_deref().is_none_or(|rule| rule.contains("gram")), "{text:?}: {rule:?}");
            }
        }
        let text = parts.join("\r\n\r\n\r\n");
        let reason = GopherRepetition::new(datatrove).reason(&text).expect("datatrove counts them");
        assert_eq!(reason.rule, "dup_line_frac");
    }

    #[test]
    fn every_rule_is_named() {
        let numbers = |count: usize| (100..100 + count).map(|n| n.to_string()).collect::<Vec<_>>().join(" ");
        let long = "A paragraph that is long enough to hold a fifth of all the characters of this text.";
        let cases = [
            ("One.\n\nOne.\n\nTwo.\n\n".to_owned() + &numbers(99), None),
            ("One.\n\nOne.\n\nTwo.".to_owned(), Some("duplicate-paragraphs")),
            (format!("{long}\n\n{long}\n\na\n\nb\n\n{}", numbers(20)), Some("duplicate-paragraph-chars")),
            (format!("{long}\n{long}\na\nb\n{}", numbers(20)), Some("duplicate-line-chars")),
            (format!("{} {}", "so on ".repeat(20), numbers(60)), Some("top-2-gram")),
            (format!("{} {}", numbers(60), numbers(20)), Some("duplicate-5-grams")),
        ];
        for (text, expected) in cases {
            assert_eq!(rule(&text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn the_most_frequent_gram_counts_even_once() {
        // 11 of 11 characters.
        assert_eq!(rule("hello world").as_deref(), Some("top-2-gram"));
        assert_eq!(rule("hello"), None);
        assert_eq!(rule(""), None);
    }

    #[test]
    fn chinese_grams_are_characters() {
        let prose = "今天的天气很好，我们在公园里散步。孩子们和老人都来了，有的唱歌，有的下棋，大家也不觉得累。\
                     晚上回家以后，妈妈做了一桌菜，爸爸讲起他年轻时候旅行的故事，说那座山上能看见海。";
        assert_eq!(rule(prose), None);
        let reason =
            GopherRepetition::default().reason(&format!("{prose}{}", "买它".repeat(15))).expect("drops");
        assert_eq!(reason.rule, "top-3-gram");
        assert_eq!(
            rule(&format!("{prose}{}{}", &prose[..90], &prose[..90])).as_deref(),
            Some("duplicate-8-grams")
        );
    }
}
