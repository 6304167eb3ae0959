//! The scores of a cell in the reading that is not the headline, and the items on which both differ.

use serde_json::{Map, Value, json};

use super::RunFolder;
use super::json::{remove_file, write_json};
use crate::score::{Detail, Reading, Scores};
use crate::{CellResult, CellState, Evaluation, Result};

/// Returns the items on which two readings differ in answer or verdict.
pub(crate) fn differing(scores: &Scores, other: &Scores) -> Vec<usize> {
    let differs = |a: &Detail, b: &Detail| a.pred != b.pred || a.correct != b.correct || a.score != b.score;
    let pairs = scores.details.iter().zip(&other.details).enumerate();
    pairs.filter(|(_, (a, b))| differs(a, b)).map(|(item, _)| item).collect()
}

/// Returns the other reading of a cell for our summary file: its name, its metrics and the number of items on which it
/// differs. Null where both are the same.
pub(super) fn summary(evaluation: &Evaluation, cell: &CellResult) -> Value {
    let CellState::Scored { scores, other: Some(other), .. } = &cell.state else { return Value::Null };
    json!({
        "reading": name(evaluation, cell),
        "result": other.metrics,
        "differing": differing(scores, other).len(),
    })
}

/// Returns the word for the reading that is not the headline.
fn name(evaluation: &Evaluation, cell: &CellResult) -> &'static str {
    match reading(evaluation, cell) {
        Reading::Compat => "compat",
        Reading::Fixed => "fixed",
    }
}

fn reading(evaluation: &Evaluation, cell: &CellResult) -> Reading {
    match evaluation.datasets()[cell.dataset].config.score.compat {
        true => Reading::Fixed,
        false => Reading::Compat,
    }
}

impl RunFolder {
    /// Writes `readings/MODEL/DATASET.json`: the metrics of the other reading, and both verdicts on every item on which
    /// they differ. There is no file where both are the same.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File).
    pub(super) fn write_reading(&self, evaluation: &Evaluation, cell: &CellResult) -> Result<()> {
        let model = &evaluation.profiles()[cell.model].name;
        let dataset = &evaluation.datasets()[cell.dataset].config.name;
        let path = self.path().join(format!("readings/{model}/{dataset}.json"));
        let CellState::Scored { scores, other: Some(other), .. } = &cell.state else {
            return remove_file(&path);
        };
        let item = |item: usize| {
            let pair = json!({ "headline": scores.details[item], "other": other.details[item] });
            (item.to_string(), pair)
        };
        let items: Map<String, Value> = differing(scores, other).into_iter().map(item).collect();
        let content = json!({ "reading": name(evaluation, cell), "result": other.metrics, "items": items });
        write_json(&path, &content)
    }
}
