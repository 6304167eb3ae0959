//! LongBench: the scores of one answer, from 0 to 1. OpenCompass 0.5.4 `datasets/longbench/evaluators.py` (Apache-2.0).

use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;

use crate::prompt::python_str;
use crate::score::text::edit::fuzz_ratio;
use crate::score::text::jieba;
use crate::score::text::rouge_words::rouge_l;
use crate::score::text::words::{answer_words, best, built_in, f1};
use crate::score::{ScoredItem, Setup};

/// The language of a set, which decides how texts are divided into words.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Language {
    /// English: between spaces.
    #[default]
    En,
    /// Chinese: by jieba.
    Zh,
}

/// Arguments of the evaluators that know both languages.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// `en` (default) or `zh`.
    #[serde(default)]
    language: Language,
}

impl Language {
    /// Reads the argument `language`.
    pub(super) fn of(setup: &Setup<'_>) -> crate::Result<Self> {
        setup.named.arguments::<Arguments>().map(|arguments| arguments.language)
    }

    /// The words of a text in normal form.
    pub(super) fn words(self, text: &str) -> Vec<String> {
        match self {
            Self::En => answer_words(text),
            Self::Zh => jieba::normal_words(text),
        }
    }
}

/// `LongBenchF1Evaluator`: the F1 with the best reference.
pub(super) fn bag_f1(item: &ScoredItem<'_>, language: Language) -> f64 {
    let answer = language.words(&item.pred_text());
    best(item.references().iter().map(|reference| f1(&answer, &language.words(reference))))
}

/// `LongBenchRougeEvaluator`: ROUGE-L with the best reference. As upstream, a Chinese answer is divided again for each
/// further reference.
pub(super) fn rouge(item: &ScoredItem<'_>, language: Language) -> f64 {
    let mut answer = item.pred_text();
    let mut scores = Vec::new();
    for reference in item.references() {
        let score = match language {
            Language::En => rouge_l(&answer, &reference),
            Language::Zh => {
                answer = jieba::spaced(&answer);
                rouge_l(&answer, &jieba::spaced(&reference))
            }
        };
        scores.push(score.unwrap_or(0.0));
    }
    best(scores.into_iter())
}

static NUMBER: LazyLock<Regex> = LazyLock::new(|| built_in(r"\d+"));
static PARAGRAPH: LazyLock<Regex> = LazyLock::new(|| built_in(r"Paragraph (\d+)"));
static CHINESE_PARAGRAPH: LazyLock<Regex> = LazyLock::new(|| built_in(r"段落(\d+)"));

/// The share of an answer's numbers that are `expected`.
fn share_of_numbers(answer: &str, expected: &str) -> f64 {
    let numbers: Vec<&str> = NUMBER.find_iter(answer).map(|found| found.as_str()).collect();
    let right = numbers.iter().filter(|number| **number == expected).count();
    if numbers.is_empty() { 0.0 } else { right as f64 / numbers.len() as f64 }
}

/// `LongBenchCountEvaluator`: the share of the answer's numbers that are right, summed over the references.
pub(super) fn count(item: &ScoredItem<'_>) -> f64 {
    let answer = item.pred_text();
    item.references().iter().map(|reference| share_of_numbers(&answer, reference)).sum()
}

/// `LongBenchRetrievalEvaluator`: like [`count`] for the number of a paragraph.
pub(super) fn retrieval(item: &ScoredItem<'_>, language: Language) -> f64 {
    let pattern = match language {
        Language::En => &PARAGRAPH,
        Language::Zh => &CHINESE_PARAGRAPH,
    };
    let answer = item.pred_text();
    let share = |reference: &String| {
        let number = pattern.captures(reference).and_then(|found| found.get(1));
        number.map_or(0.0, |number| share_of_numbers(&answer, number.as_str()))
    };
    item.references().iter().map(share).sum()
}

/// `LongBenchCodeSimEvaluator`: how near the first line of code is to the best reference. As upstream, that line is the
/// whole answer for further references.
pub(super) fn code_similarity(item: &ScoredItem<'_>) -> f64 {
    let mut answer = item.pred_text();
    let mut scores = Vec::new();
    for reference in item.references() {
        answer = first_code_line(&answer).to_owned();
        scores.push(fuzz_ratio(&answer, &reference) / 100.0);
    }
    best(scores.into_iter())
}

fn first_code_line(text: &str) -> &str {
    let is_code = |line: &&str| !line.contains('`') && !line.contains('#') && !line.contains("//");
    text.trim_start_matches('\n').split('\n').find(is_code).unwrap_or_default()
}

/// `LongBenchClassificationEvaluator`: one by the number of classes in the answer if the right one is among them. The
/// reference is `{answers, all_classes}`. Classes that are part of the right one do not count; as upstream, the class
/// after one that was taken out is not looked at.
pub(super) fn classification(item: &ScoredItem<'_>) -> f64 {
    let answer = item.pred_text();
    let texts = |name: &str| -> Vec<String> {
        item.answer[name].as_array().into_iter().flatten().map(python_str).collect()
    };
    let classes = texts("all_classes");
    let score = |reference: &String| {
        let mut found: Vec<&String> =
            classes.iter().filter(|class| answer.contains(class.as_str())).collect();
        let mut place = 0;
        while place < found.len() {
            let class = found[place];
            if reference.contains(class.as_str()) && class != reference {
                // Python's `remove` takes the first equal element.
                if let Some(first) = found.iter().position(|other| *other == class) {
                    found.remove(first);
                }
            }
            place += 1;
        }
        if found.contains(&reference) { 1.0 / found.len() as f64 } else { 0.0 }
    };
    texts("answers").iter().map(score).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_of_code_has_no_marks() {
        assert_eq!(first_code_line("\n\n```python\n# a\nx = 1\ny"), "x = 1");
        assert_eq!(first_code_line("// a"), "");
    }

    #[test]
    fn numbers_are_whole() {
        assert_eq!(share_of_numbers("1, 12 and 2", "2"), 1.0 / 3.0);
        assert_eq!(share_of_numbers("none", "2"), 0.0);
    }
}
