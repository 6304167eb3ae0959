//! The scores of NeedleBench. References are texts with `*` and `#` between their parts.
//! OpenCompass 0.5.4 `datasets/needlebench` and `datasets/needlebench_v2` (Apache-2.0).

use serde_json::json;

use crate::prompt::python_str;
use crate::score::text::edit::{distance, letters};
use crate::score::text::words::is_space;
use crate::score::verdict::{answered, detail};
use crate::score::{Detail, Evaluate, Metrics, ScoredItem, Scores};

/// The share of the score that the likeness of the texts is worth where the keyword is missing.
const LIKENESS: f64 = 0.2;

/// `NeedleBenchOriginEvaluator`: 100 with the keyword in the answer. Without it the first version gives a fifth of the
/// likeness to the needle, the second version nothing. The reference is `NEEDLE*KEYWORD`.
pub(super) struct Single {
    /// What an answer without the keyword is worth.
    pub(super) without: WithoutKeyword,
}

/// What an answer without the keyword is worth.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum WithoutKeyword {
    /// A fifth of the likeness to the needle.
    Likeness,
    /// The same after the answer was cut to about the length of the needle.
    TrimmedLikeness,
    /// Nothing: NeedleBench v2.
    Nothing,
}

impl Evaluate for Single {
    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        let judge = |item: &ScoredItem<'_>| {
            let mut detail = detail(item);
            let score = if item.is_answered() { self.score(item, &mut detail) } else { 0.0 };
            Detail { score: Some(score / 100.0), ..detail }
        };
        mean_score(items, items.iter().map(judge).collect())
    }
}

impl Single {
    /// The score of an answer, 0 to 100; the edit distance goes into the detail.
    fn score(&self, item: &ScoredItem<'_>, detail: &mut Detail) -> f64 {
        let (text, reference) = (item.pred_text(), python_str(&item.answer));
        let mut parts = reference.split('*');
        let needle = without_spaces(parts.next().unwrap_or_default());
        let has_keyword = parts.next().is_some_and(|keyword| text.contains(keyword));
        let mut answer = without_spaces(&text);
        if self.without == WithoutKeyword::TrimmedLikeness {
            trim(&mut answer, &needle);
        }
        let mut likeness = 0.0;
        if self.without != WithoutKeyword::Nothing {
            let edits = distance(&answer, &needle);
            let longest = answer.len().max(needle.len());
            likeness = if longest == 0 { 100.0 } else { 100.0 * (1.0 - edits as f64 / longest as f64) };
            detail.extra.insert("edit_distance".to_owned(), json!(edits));
        }
        if has_keyword { 100.0 } else { LIKENESS * likeness }
    }
}

fn without_spaces(text: &str) -> Vec<char> {
    let mut letters = letters(text);
    letters.retain(|letter| !is_space(*letter));
    letters
}

/// Cuts an answer to at most 1.2 times the length of the needle, and behind the first letter after 0.8 times the length
/// that is the needle's last.
fn trim(answer: &mut Vec<char>, needle: &[char]) {
    let length = needle.len() as f64;
    let (least, most) = ((0.8 * length) as usize, (1.2 * length) as usize);
    answer.truncate(most);
    let Some(last) = needle.last() else { return };
    if let Some(place) = answer.iter().skip(least).position(|letter| letter == last) {
        answer.truncate(least + place + 1);
    }
}

/// `NeedleBenchMultiEvaluator`: the share of keywords in the answer, case ignored. The reference is `ANSWER*KEYWORDS`, with
/// spaces between the keywords.
pub(super) struct Multiple;

impl Evaluate for Multiple {
    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        let judge = |item: &ScoredItem<'_>| {
            let (text, reference) =
                (item.pred_text().to_lowercase(), python_str(&item.answer).to_lowercase());
            let keywords = reference.split('*').nth(1).unwrap_or_default();
            let keywords: Vec<&str> = keywords.split_whitespace().collect();
            let found =
                keywords.iter().filter(|keyword| item.is_answered() && text.contains(**keyword)).count();
            let score = if keywords.is_empty() { 0.0 } else { found as f64 / keywords.len() as f64 };
            let mut detail = Detail { score: Some(score), ..detail(item) };
            detail.extra.insert("matched_keywords".to_owned(), json!(found));
            detail
        };
        mean_score(items, items.iter().map(judge).collect())
    }
}

/// Computes `score` as the mean of the items' scores in percent.
fn mean_score(items: &[ScoredItem<'_>], details: Vec<Detail>) -> Scores {
    let mut metrics = Metrics::new();
    if !details.is_empty() {
        let sum: f64 = details.iter().filter_map(|detail| detail.score).sum();
        metrics.insert("score".to_owned(), 100.0 * sum / details.len() as f64);
    }
    Scores { metrics, details, answered: answered(items), ..Scores::default() }
}

/// `NeedleBenchParallelEvaluator`: for each depth the share of answers that have its keyword, as `Depth50`, and their mean
/// `average_score`. The reference is `KEYWORD*KEYWORD..#DEPTH*DEPTH..`; the depths are those of the first item.
pub(super) struct Parallel;

impl Evaluate for Parallel {
    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        let mut scores = Scores { answered: answered(items), ..Scores::default() };
        let Some(first) = items.first() else { return scores };
        let reference = python_str(&first.answer);
        let depths: Vec<&str> = reference
            .split('#')
            .nth(1)
            .into_iter()
            .flat_map(|depths| depths.split('*'))
            .map(str::trim)
            .collect();
        for depth in &depths {
            scores.metrics.insert(format!("Depth{depth}"), 0.0);
        }
        for item in items {
            let (text, reference) = (item.pred_text(), python_str(&item.answer));
            let keywords = reference.split('#').next().unwrap_or_default();
            let mut found = 0_usize;
            for (keyword, depth) in keywords.split('*').zip(&depths) {
                let is_found = item.is_answered() && text.contains(keyword);
                if let Some(score) = scores.metrics.get_mut(&format!("Depth{depth}")).filter(|_| is_found) {
                    *score += 100.0 / items.len() as f64;
                    found += 1;
                }
            }
            let share = if depths.is_empty() { 0.0 } else { found as f64 / depths.len() as f64 };
            scores.details.push(Detail { score: Some(share), ..detail(item) });
        }
        if !scores.metrics.is_empty() {
            let average = scores.metrics.values().sum::<f64>() / scores.metrics.len() as f64;
            scores.metrics.insert("average_score".to_owned(), average);
        }
        scores
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_cut_to_the_length_of_the_needle() {
        for (answer, needle, cut) in [
            ("abcdefghijklmnop", "abcdefghij", "abcdefghij"),
            ("abcdefghzzzzzz", "abcdefghij", "abcdefghzzzz"),
        ] {
            let mut letters: Vec<char> = answer.chars().collect();
            trim(&mut letters, &needle.chars().collect::<Vec<_>>());
            assert_eq!(letters.into_iter().collect::<String>(), cut, "{answer}");
        }
        let mut letters = vec!['a'];
        trim(&mut letters, &[]);
        assert!(letters.is_empty());
    }
}
