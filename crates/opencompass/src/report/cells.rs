//! The cells of a run, read from its summary file.

use serde_json::Value;

use crate::Result;
use crate::run_folder::RunFolder;

/// Parts of the names of metrics that are measures rather than percentages, most of them better when lower.
const MEASURES: [&str; 7] = ["perplexity", "ppl", "bits_per", "bpb", "bpc", "loss", "elo"];
/// Number of columns of the summary table before those of the models: dataset, version, metric and mode.
pub(super) const FACTS: usize = 4;

/// A run as the report sees it.
pub(super) struct Run {
    /// Last part of the folder's path.
    pub(super) label: String,
    /// Models in column order.
    pub(super) models: Vec<String>,
    /// Datasets in row order.
    pub(super) datasets: Vec<String>,
    /// The table of the summary with its header.
    pub(super) table: Vec<Vec<String>>,
    /// Groups without a score, one `MODEL x GROUP: reason` each.
    pub(super) problems: Vec<String>,
    /// Denominator of perplexities, `n` or `n-1`.
    pub(super) denominator: String,
    /// One cell per model and dataset.
    pub(super) cells: Vec<Cell>,
}

/// One model on one dataset.
pub(super) struct Cell {
    pub(super) model: String,
    pub(super) dataset: String,
    /// Number of the cell among the cells of all runs of the page, which the viewer knows it by.
    pub(super) place: usize,
    /// The headline metric and its score; absent for a cell without a score.
    pub(super) headline: Option<(String, f64)>,
    /// Interval of the headline.
    pub(super) interval: Option<(f64, f64)>,
    /// Number of items, where it is known.
    pub(super) count: Option<u64>,
    /// Why there is no score, or what is to be known about it. Never empty for a cell without a score.
    pub(super) remarks: Vec<String>,
    /// The other reading, where it differs.
    pub(super) other: Option<OtherReading>,
}

/// The reading of a cell that is not the headline.
pub(super) struct OtherReading {
    pub(super) name: String,
    /// Score of the headline metric.
    pub(super) score: f64,
    /// Number of items on which the readings differ.
    pub(super) differing: u64,
}

impl Run {
    /// Reads a run whose first cell is number `place` of the page.
    pub(super) fn read(folder: &RunFolder, place: usize) -> Result<Self> {
        let summary = folder.read_summary()?;
        let cells = summary["cells"].as_array().into_iter().flatten().enumerate();
        let cells: Vec<Cell> = cells.map(|(number, value)| cell(value, place + number)).collect();
        let mut run = Self {
            label: folder.label().to_owned(),
            models: Vec::new(),
            datasets: Vec::new(),
            table: serde_json::from_value(summary["table"].clone()).unwrap_or_default(),
            problems: serde_json::from_value(summary["problems"].clone()).unwrap_or_default(),
            denominator: summary["ppl_denominator"].as_str().unwrap_or_default().to_owned(),
            cells,
        };
        for cell in &run.cells {
            if !run.models.contains(&cell.model) {
                run.models.push(cell.model.clone());
            }
            if !run.datasets.contains(&cell.dataset) {
                run.datasets.push(cell.dataset.clone());
            }
        }
        Ok(run)
    }

    /// Finds a cell by its model and dataset.
    pub(super) fn cell(&self, model: &str, dataset: &str) -> Option<&Cell> {
        self.cells.iter().find(|cell| cell.model == model && cell.dataset == dataset)
    }

    /// Returns the rows of the summary table that are groups, which have no cells of their own.
    pub(super) fn group_rows(&self) -> impl Iterator<Item = &Vec<String>> {
        let is_group = move |name: &String| !self.datasets.contains(name);
        self.table.iter().skip(1).filter(move |row| row.first().is_some_and(is_group))
    }

    /// Returns the rows of the summary table that belong to a dataset: one per metric.
    pub(super) fn metric_rows(&self, dataset: &str) -> impl Iterator<Item = &Vec<String>> {
        self.table.iter().skip(1).filter(move |row| row.first().is_some_and(|name| name == dataset))
    }

    /// Returns the groups of which no model has a score: the summary table leaves them out.
    pub(super) fn missing_groups(&self) -> Vec<&str> {
        let mut groups = Vec::new();
        for problem in &self.problems {
            let group = |model: &String| {
                let (group, _) =
                    problem.strip_prefix(model.as_str())?.strip_prefix(" x ")?.split_once(": ")?;
                Some(group)
            };
            let Some(group) = self.models.iter().find_map(group) else { continue };
            let is_known = self.table.iter().any(|row| row.first().is_some_and(|name| name == group));
            if !is_known && !groups.contains(&group) {
                groups.push(group);
            }
        }
        groups
    }

    /// Returns why a group has no score for a model.
    pub(super) fn problem(&self, model: &str, group: &str) -> Option<&str> {
        let place = format!("{model} x {group}: ");
        self.problems.iter().find_map(|problem| problem.strip_prefix(place.as_str()))
    }
}

/// Says whether a score of this metric is a percentage that has a place on a scale from 0 to 100.
pub(super) fn on_scale(metric: &str, score: f64) -> bool {
    let metric = metric.to_lowercase();
    (0.0..=100.0).contains(&score) && !MEASURES.iter().any(|measure| metric.contains(measure))
}

fn cell(value: &Value, place: usize) -> Cell {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let result = &value["result"];
    let metrics = result.as_object().into_iter().flatten();
    let mut scores = metrics.filter_map(|(metric, score)| Some((metric.clone(), score.as_f64()?)));
    let headline = if result.get("error").is_some() { None } else { scores.next() };
    let interval = &value["interval"];
    let bound = |name: &str| interval[name].as_f64();
    let other = &value["other"];
    let in_other = headline.as_ref().and_then(|(metric, _)| other["result"][metric].as_f64());
    Cell {
        model: text(&value["model"]),
        dataset: text(&value["dataset"]),
        place,
        interval: bound("ci_low").zip(bound("ci_high")),
        count: interval["n"].as_u64(),
        remarks: remarks(result, headline.is_some()),
        other: in_other.map(|score| OtherReading {
            name: text(&other["reading"]),
            score,
            differing: other["differing"].as_u64().unwrap_or(0),
        }),
        headline,
    }
}

/// Returns what is to be known about a result, in whole sentences as far as it is ours.
fn remarks(result: &Value, scored: bool) -> Vec<String> {
    let text = |key: &str| result[key].as_str();
    let mut remarks: Vec<String> = Vec::new();
    remarks.extend(text("error").map(str::to_owned));
    let unanswered = text("unanswered");
    remarks.extend(unanswered.map(|share| format!("{share} items have no answer and count as wrong")));
    let ties = text("ties");
    remarks.extend(ties.map(|share| format!("{share} items are ties: order or length chose the label")));
    if remarks.is_empty() && !scored {
        remarks.push("the evaluator returned no number".to_owned());
    }
    remarks
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_cell_has_a_score_or_a_reason() {
        for (result, headline, remark) in [
            (json!({ "accuracy": 50.0 }), Some(50.0), ""),
            (json!({ "error": "no data" }), None, "no data"),
            (json!({ "matrix": [1] }), None, "the evaluator returned no number"),
            (json!({ "accuracy": 0.0, "unanswered": "3 of 12" }), Some(0.0), "3 of 12 items have no answer"),
            (json!({ "accuracy": 20.0, "ties": "4 of 4" }), Some(20.0), "4 of 4 items are ties"),
        ] {
            let found = cell(&json!({ "model": "m", "dataset": "d", "result": result }), 7);
            assert_eq!(found.headline.map(|(_, score)| score), headline, "{result}");
            assert!(found.remarks.join(" ").contains(remark) && found.place == 7, "{:?}", found.remarks);
            assert_eq!(found.remarks.is_empty(), remark.is_empty(), "{:?}", found.remarks);
        }
    }

    #[test]
    fn measures_are_not_percentages() {
        for (metric, score, expected) in [
            ("accuracy", 100.0, true),
            ("accuracy", -1.0, false),
            ("bits_per_byte", 8.0, false),
            ("word_perplexity", 30.0, false),
            ("average_ppl", 3.0, false),
            ("elo", 99.0, false),
            ("score", 101.0, false),
        ] {
            assert_eq!(on_scale(metric, score), expected, "{metric} {score}");
        }
    }
}
