//! Comparisons of labels: nearest candidate, correlation, area under the ROC curve, sets of letters.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::edit::text_distance;
use crate::prompt::python_str;
use crate::score::verdict::{accuracy_scores, answered, detail, verdicts};
use crate::score::{Detail, Evaluate, Metrics, ScoredItem, Scores};

/// `EDAccEvaluator`: the candidate that is nearest to the answer by edit distance has to be the right one. The
/// reference is `{candidates, label}`; a candidate is a text or a list of texts.
pub(super) struct NearestCandidate;

impl Evaluate for NearestCandidate {
    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        verdicts("accuracy", items, |item| {
            let nearest = nearest(&item.pred_text(), &item.answer["candidates"]);
            nearest.is_some_and(|place| python_str(&item.answer["label"]) == place.to_string())
        })
    }
}

/// The place of the candidate with the smallest distance, the first one of several.
fn nearest(text: &str, candidates: &Value) -> Option<usize> {
    let distance = |candidate: &Value| match candidate {
        Value::Array(forms) => {
            forms.iter().map(|form| text_distance(text, &python_str(form))).min().unwrap_or(usize::MAX)
        }
        form => text_distance(text, &python_str(form)),
    };
    let distances = candidates.as_array()?.iter().map(distance).enumerate();
    distances.min_by_key(|(place, distance)| (*distance, *place)).map(|(place, _)| place)
}

/// `MccEvaluator`: Matthews' correlation coefficient for any number of classes, in percent. An item without an answer has
/// a class of its own.
///
/// Gorodkin, "Comparing two K-category assignments by a K-category correlation coefficient", 2004.
pub(super) struct Matthews;

impl Evaluate for Matthews {
    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        let pairs: Vec<(String, String)> =
            items.iter().map(|item| (item.pred_text(), python_str(&item.answer))).collect();
        let judge = |item: &ScoredItem<'_>, (pred, answer): &(String, String)| Detail {
            correct: Some(item.is_answered() && pred == answer),
            ..detail(item)
        };
        let details = items.iter().zip(&pairs).map(|(item, pair)| judge(item, pair)).collect();
        let mut metrics = Metrics::new();
        if !items.is_empty() {
            metrics.insert("matthews_correlation".to_owned(), 100.0 * matthews(&pairs));
        }
        Scores { metrics, details, answered: answered(items), ..Scores::default() }
    }
}

/// The coefficient of pairs of prediction and answer, from -1 to 1; 0 if one side has a single class.
fn matthews(pairs: &[(String, String)]) -> f64 {
    let mut predicted: BTreeMap<&str, f64> = BTreeMap::new();
    let mut expected: BTreeMap<&str, f64> = BTreeMap::new();
    let mut correct = 0.0;
    for (pred, answer) in pairs {
        *predicted.entry(pred).or_default() += 1.0;
        *expected.entry(answer).or_default() += 1.0;
        correct += if pred == answer { 1.0 } else { 0.0 };
    }
    let count = pairs.len() as f64;
    let together: f64 =
        predicted.iter().map(|(label, times)| times * expected.get(label).copied().unwrap_or(0.0)).sum();
    let squares = |classes: &BTreeMap<&str, f64>| classes.values().map(|times| times * times).sum::<f64>();
    let spread = (count * count - squares(&predicted)) * (count * count - squares(&expected));
    if spread == 0.0 { 0.0 } else { (correct * count - together) / spread.sqrt() }
}

/// `AUCROCEvaluator`: the area under the ROC curve of the probability of class 1, and the accuracy of the most probable
/// class, both in percent. The answer is the list of the probabilities of the classes.
///
/// An item without an answer is at the wrong end of the order. Without both classes among the references there is no
/// area, and the metric is missing.
pub(super) struct AreaUnderRoc;

impl Evaluate for AreaUnderRoc {
    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        let mut details = Vec::with_capacity(items.len());
        let mut scored = Vec::with_capacity(items.len());
        for item in items {
            let label = label(&item.answer);
            let probabilities: Option<Vec<f64>> =
                item.pred.as_array().and_then(|values| values.iter().map(Value::as_f64).collect());
            let probabilities = probabilities.filter(|values| values.len() > 1 && item.is_answered());
            let most = probabilities.as_deref().map(most_probable);
            let worst = if label == Some(1) { f64::NEG_INFINITY } else { f64::INFINITY };
            scored.push((probabilities.map_or(worst, |values| values[1]), label == Some(1)));
            details.push(Detail { correct: Some(most.is_some() && most == label), ..detail(item) });
        }
        let accuracy = accuracy_scores("accuracy", details, answered(items));
        let area = area(scored).map(|area| ("auc_score".to_owned(), 100.0 * area));
        let metrics = area.into_iter().chain(accuracy.metrics).collect();
        Scores { metrics, correct: None, ..accuracy }
    }
}

fn label(answer: &Value) -> Option<usize> {
    python_str(answer).trim().parse().ok()
}

/// The place of the largest value, the first one of several.
fn most_probable(values: &[f64]) -> usize {
    let mut most = 0;
    for (place, value) in values.iter().enumerate() {
        if *value > values[most] {
            most = place;
        }
    }
    most
}

/// The share of pairs of a positive and a negative in which the positive has the larger score; a tie counts half.
fn area(mut scored: Vec<(f64, bool)>) -> Option<f64> {
    scored.sort_by(|one, other| one.0.total_cmp(&other.0));
    let positives = scored.iter().filter(|(_, positive)| *positive).count();
    let negatives = scored.len() - positives;
    if positives == 0 || negatives == 0 {
        return None;
    }
    let (mut below, mut pairs) = (0_usize, 0.0);
    for tied in scored.chunk_by(|one, other| one.0 == other.0) {
        let positive = tied.iter().filter(|(_, positive)| *positive).count();
        let negative = tied.len() - positive;
        pairs += positive as f64 * (below as f64 + negative as f64 / 2.0);
        below += negative;
    }
    Some(pairs / (positives as f64 * negatives as f64))
}

/// `F1Evaluator` of SeedBench: the F1 of sets of letters, which commas divide, over the whole set.
pub(super) struct LetterSets;

impl Evaluate for LetterSets {
    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        let (mut hits, mut wrong, mut missed) = (0, 0, 0);
        let mut details = Vec::with_capacity(items.len());
        for item in items {
            let expected = letter_set(&super::answers::first_reference(item));
            let found = if item.is_answered() { letter_set(&item.pred_text()) } else { BTreeSet::new() };
            let same = found.intersection(&expected).count();
            hits += same;
            wrong += found.len() - same;
            missed += expected.len() - same;
            details.push(Detail {
                score: Some(f1(same, found.len() - same, expected.len() - same)),
                ..detail(item)
            });
        }
        let mut metrics = Metrics::new();
        if !items.is_empty() {
            metrics.insert("F1Score".to_owned(), 100.0 * f1(hits, wrong, missed));
        }
        Scores { metrics, details, answered: answered(items), ..Scores::default() }
    }
}

fn f1(hits: usize, wrong: usize, missed: usize) -> f64 {
    if hits == 0 {
        return 0.0;
    }
    let (precision, recall) = (hits as f64 / (hits + wrong) as f64, hits as f64 / (hits + missed) as f64);
    2.0 * precision * recall / (precision + recall)
}

/// The parts between commas of the letters A to D; no letter at all is one empty part.
fn letter_set(text: &str) -> BTreeSet<String> {
    let lower = text.to_lowercase();
    let letters: String =
        lower.chars().filter(|letter| ('a'..='d').contains(letter) || *letter == ',').collect();
    letters.split(',').map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn correlation_is_that_of_scikit_learn() {
        let pairs = |text: &str| -> Vec<(String, String)> {
            let pair = |pair: &str| (pair[..1].to_owned(), pair[1..].to_owned());
            text.split(' ').map(pair).collect()
        };
        for (text, expected) in [
            ("aa bb ab ba aa", 0.16666666666666666),
            ("ab bc ca aa bb cc", 0.25),
            ("aa ba", 0.0),
            ("aa bb", 1.0),
        ] {
            let found = matthews(&pairs(text));
            assert!((found - expected).abs() < 1e-12, "{text}: {found} {expected}");
        }
    }

    #[test]
    fn ties_count_half() {
        let scored = vec![(0.1, false), (0.4, true), (0.4, false), (0.8, true)];
        assert_eq!(area(scored), Some(0.875));
        assert_eq!(area(vec![(0.1, true)]), None);
    }
}
