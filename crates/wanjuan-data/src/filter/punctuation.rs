//! The stage `punctuation`: limits on the distribution of punctuation, the third of InternLM2's three families of
//! heuristic rules (arXiv 2403.17297, section 3.1). InternLM2 publishes no numbers: these are ours.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::words::{is_punctuation, ratio};
use super::{Decision, RuleSet, View, Writing, rule_set};
use crate::{Document, Reason, Stage, Verdict};

/// Settings of `punctuation`; marks of all scripts count.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct PunctuationConfig {
    /// Minimum share of punctuation among the characters other than white space; 0 = off. Ours: 0.005.
    pub min_punctuation: f64,
    /// Maximum share; 1 = off. Ours: 0.2.
    pub max_punctuation: f64,
    /// Minimum entropy of the marks, in bits: 0 when all marks are the same; 0 = off. Ours: 0.5.
    pub min_entropy: f64,
    /// Minimum number of marks from which entropy is judged. Ours: 30.
    pub min_marks: usize,
    /// Maximum share of brackets without a partner; 1 = off. Ours: 0.5.
    pub max_unbalanced_brackets: f64,
    /// Minimum number of brackets from which they are judged. Ours: 20.
    pub min_brackets: usize,
    /// Limits that differ for Chinese text; full-width marks and brackets count in all text.
    pub chinese: ChinesePunctuationConfig,
}

/// Limits for Chinese text, where there is a mark about every seven characters.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct ChinesePunctuationConfig {
    /// Minimum share of punctuation; 0 = off. Ours: 0.02.
    pub min_punctuation: f64,
    /// Maximum share; 1 = off. Ours: 0.3.
    pub max_punctuation: f64,
}

impl Default for PunctuationConfig {
    fn default() -> Self {
        Self {
            min_punctuation: 0.005,
            max_punctuation: 0.2,
            min_entropy: 0.5,
            min_marks: 30,
            max_unbalanced_brackets: 0.5,
            min_brackets: 20,
            chinese: ChinesePunctuationConfig::default(),
        }
    }
}

impl Default for ChinesePunctuationConfig {
    fn default() -> Self {
        Self { min_punctuation: 0.02, max_punctuation: 0.3 }
    }
}

/// Brackets and directed quotation marks: opening, closing.
const BRACKETS: [(char, char); 12] = [
    ('(', ')'),
    ('[', ']'),
    ('{', '}'),
    ('（', '）'),
    ('［', '］'),
    ('｛', '｝'),
    ('《', '》'),
    ('〈', '〉'),
    ('「', '」'),
    ('『', '』'),
    ('【', '】'),
    ('〔', '〕'),
];

/// Drops texts whose punctuation is not that of prose.
#[derive(Clone, Debug, Default)]
pub struct Punctuation {
    config: PunctuationConfig,
}

impl Punctuation {
    /// A stage with these settings; they are not checked again.
    #[must_use]
    pub fn new(config: PunctuationConfig) -> Self {
        Self { config }
    }

    fn rules(&self, view: &View<'_>) -> Option<Reason> {
        let config = &self.config;
        let (min, max) = match view.writing() {
            Writing::Spaced => (config.min_punctuation, config.max_punctuation),
            Writing::Chinese => (config.chinese.min_punctuation, config.chinese.max_punctuation),
        };
        let mut counts: BTreeMap<char, usize> = BTreeMap::new();
        let mut characters = 0;
        for c in view.text().chars().filter(|c| !c.is_whitespace()) {
            characters += 1;
            if is_punctuation(c) {
                *counts.entry(c).or_default() += 1;
            }
        }
        let marks: usize = counts.values().sum();
        let share = ratio(marks, characters);
        if share < min {
            return Some(Reason::below("too-little-punctuation", share, min));
        }
        if share > max {
            return Some(Reason::above("too-much-punctuation", share, max));
        }
        let entropy = entropy(&counts, marks);
        if marks >= config.min_marks && entropy < config.min_entropy {
            return Some(Reason::below("punctuation-entropy", entropy, config.min_entropy));
        }
        let (brackets, alone) = brackets(view.text());
        let (share, limit) = (ratio(alone, brackets), config.max_unbalanced_brackets);
        (brackets >= config.min_brackets && share > limit)
            .then(|| Reason::above("unbalanced-brackets", share, limit))
    }
}

/// Entropy of a distribution in bits.
fn entropy(counts: &BTreeMap<char, usize>, total: usize) -> f64 {
    counts.values().map(|count| ratio(*count, total)).map(|share| -share * share.log2()).sum()
}

/// Brackets, and how many of them have no partner.
fn brackets(text: &str) -> (usize, usize) {
    let (mut total, mut alone, mut open) = (0, 0, [0_usize; BRACKETS.len()]);
    for c in text.chars().filter(|c| is_punctuation(*c)) {
        let Some(kind) = BRACKETS.iter().position(|(left, right)| c == *left || c == *right) else {
            continue;
        };
        total += 1;
        if c == BRACKETS[kind].0 {
            open[kind] += 1;
        } else if open[kind] > 0 {
            open[kind] -= 1;
        } else {
            alone += 1;
        }
    }
    (total, alone + open.iter().sum::<usize>())
}

impl RuleSet for Punctuation {
    fn decide(&self, view: &View<'_>) -> Decision {
        Decision::from_reason(self.rules(view))
    }
}

impl Stage for Punctuation {
    fn name(&self) -> &'static str {
        "punctuation"
    }

    fn apply(&self, document: Document) -> Verdict {
        rule_set::apply(self, document)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_find_their_partners() {
        assert_eq!(brackets("(a [b) c] {"), (5, 1));
        assert_eq!(brackets("）（《》1) 2) 3)"), (7, 5));
    }

    #[test]
    fn every_rule_is_named() {
        let rule = |text: &str| {
            let decision = Punctuation::default().decide(&View::new(text));
            decision.reason().map(|reason| reason.rule.clone().into_owned())
        };
        let prose = "It is late, he said. Is it? Yes (it is)! ".repeat(3);
        for (text, expected) in [
            (prose.clone(), None),
            ("words without any end ".repeat(20), Some("too-little-punctuation")),
            ("Hm...?! ".repeat(5), Some("too-much-punctuation")),
            ("red | green | blue | yellow ".repeat(12), Some("punctuation-entropy")),
            ("one) two, three. four) five ".repeat(20), Some("unbalanced-brackets")),
            ("今天的天气很好，我们去公园。".repeat(3), None),
            ("今天的天气很好我们去公园".repeat(6), Some("too-little-punctuation")),
            ("好，！".repeat(9), Some("too-much-punctuation")),
        ] {
            assert_eq!(rule(&text).as_deref(), expected, "{text}");
        }
    }
}
