//! LongBench v2: the share of right options, also by difficulty and by length of the text.

use crate::prompt::python_str;
use crate::score::verdict::verdicts;
use crate::score::{Evaluate, ScoredItem, Scores};

/// The groups: a column of the row and its values, in the order of upstream's metrics.
const GROUPS: [(&str, &[&str]); 2] =
    [("difficulty", &["easy", "hard"]), ("length", &["short", "medium", "long"])];

/// `LongBenchv2Evaluator`: `accuracy`, then `accuracy_easy` and so on for the groups that have items.
pub(super) struct ByGroup;

impl Evaluate for ByGroup {
    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        let mut scores = verdicts("accuracy", items, |item| item.pred_text() == python_str(&item.answer));
        for (column, values) in GROUPS {
            for value in values {
                let in_group =
                    |item: &ScoredItem<'_>| item.columns.get(column).is_some_and(|found| found == value);
                let mut verdicts = Vec::new();
                for (item, detail) in items.iter().zip(&scores.details) {
                    if in_group(item) {
                        verdicts.push(detail.correct == Some(true));
                    }
                }
                if !verdicts.is_empty() {
                    let right = verdicts.iter().filter(|right| **right).count();
                    let share = 100.0 * right as f64 / verdicts.len() as f64;
                    scores.metrics.insert(format!("accuracy_{value}"), share);
                }
            }
        }
        scores
    }
}
