//! Parts of a long text that the answer has to repeat: RULER, BABILong and MRCR.
//! OpenCompass 0.5.4 `datasets/{ruler,babilong,mrcr}` (Apache-2.0).

use serde_json::Value;

use crate::prompt::python_str;
use crate::score::text::words::two_decimals;
use crate::score::text::{first_reference, sequence_matcher};
use crate::score::verdict::mean_of;
use crate::score::{Evaluate, ScoredItem, Scores};

/// An evaluator whose metric is rounded to two decimals.
pub(super) struct Rounded {
    /// The score of one item, from 0 to 1.
    pub(super) score: fn(&ScoredItem<'_>) -> f64,
}

impl Evaluate for Rounded {
    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        let mut scores = mean_of("score", items, self.score);
        for value in scores.metrics.values_mut() {
            *value = two_decimals(*value);
        }
        scores
    }
}

/// The number of references that are part of the answer, case ignored, and the number of references.
fn found(item: &ScoredItem<'_>) -> (usize, usize) {
    let text = item.pred_text().to_lowercase();
    let references = item.references();
    let found = references.iter().filter(|reference| text.contains(&reference.to_lowercase())).count();
    (found, references.len())
}

/// `RulerNiahEvaluator` and its followers: the share of references in the answer.
pub(super) fn share(item: &ScoredItem<'_>) -> f64 {
    let (found, all) = found(item);
    if all == 0 { 0.0 } else { found as f64 / all as f64 }
}

/// `RulerQaEvaluator`: whether any reference is in the answer.
pub(super) fn any(item: &ScoredItem<'_>) -> f64 {
    if found(item).0 > 0 { 1.0 } else { 0.0 }
}

/// `BabiLongEvaluator`: whether the reference is in the first sentence of the answer.
pub(super) fn first_sentence(item: &ScoredItem<'_>) -> f64 {
    let text = item.pred_text().to_lowercase();
    let ends = [".", "<context>", "<example>"];
    let sentence = ends.iter().fold(text.as_str(), |text, end| text.split(*end).next().unwrap_or_default());
    if sentence.contains(&first_reference(item).to_lowercase()) { 1.0 } else { 0.0 }
}

/// `MRCREvaluator`: how much of the expected message the answer repeats, 0 without the prefix that was asked for. The
/// reference is the JSON object `{answer, prefix}`, as text or as it is.
pub(super) fn message(item: &ScoredItem<'_>) -> f64 {
    let parsed: Option<Value> = item.answer.as_str().and_then(|text| serde_json::from_str(text).ok());
    let reference = parsed.as_ref().unwrap_or(&item.answer);
    let (answer, prefix) = (python_str(&reference["answer"]), python_str(&reference["prefix"]));
    let text = item.pred_text();
    let Some(rest) = text.strip_prefix(&prefix) else { return 0.0 };
    let expected: String = answer.chars().skip(prefix.chars().count()).collect();
    sequence_matcher::ratio(rest, &expected)
}
