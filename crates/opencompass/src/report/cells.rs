//! The cells of a run, read from its summary file.

use serde_json::Value;

use crate::Result;
use crate::run_folder::RunFolder;

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
    /// One cell per model and dataset.
    pub(super) cells: Vec<Cell>,
}

/// One model on one dataset.
pub(super) struct Cell {
    pub(super) model: String,
    pub(super) dataset: String,
    /// The headline metric and its score; absent for a cell without a score.
    pub(super) headline: Option<(String, f64)>,
    /// Interval of the headline.
    pub(super) interval: Option<(f64, f64)>,
    /// Number of items.
    pub(super) count: u64,
    /// Why there is no score, or what is missing.
    pub(super) remark: Option<String>,
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
    /// Reads a run.
    pub(super) fn read(folder: &RunFolder) -> Result<Self> {
        let summary = folder.read_summary()?;
        let cells: Vec<Cell> = summary["cells"].as_array().into_iter().flatten().map(cell).collect();
        let mut run = Self {
            label: folder.label().to_owned(),
            models: Vec::new(),
            datasets: Vec::new(),
            table: serde_json::from_value(summary["table"].clone()).unwrap_or_default(),
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

    /// Finds a cell by its place.
    pub(super) fn cell(&self, model: &str, dataset: &str) -> Option<&Cell> {
        self.cells.iter().find(|cell| cell.model == model && cell.dataset == dataset)
    }
}

fn cell(value: &Value) -> Cell {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let result = &value["result"];
    let metrics = result.as_object().into_iter().flatten();
    let mut scores = metrics.filter_map(|(metric, score)| Some((metric.clone(), score.as_f64()?)));
    let headline = if result.get("error").is_some() { None } else { scores.next() };
    let interval = &value["interval"];
    let bound = |name: &str| interval[name].as_f64();
    let other = &value["other"];
    let in_other = headline.as_ref().and_then(|(metric, _)| other["result"][metric].as_f64());
    let remark = ["error", "unanswered", "ties"].into_iter().find_map(|key| {
        let reason = result[key].as_str()?;
        Some(if key == "error" { reason.to_owned() } else { format!("{key}: {reason}") })
    });
    Cell {
        model: text(&value["model"]),
        dataset: text(&value["dataset"]),
        interval: bound("ci_low").zip(bound("ci_high")),
        count: interval["n"].as_u64().unwrap_or(0),
        remark,
        other: in_other.map(|score| OtherReading {
            name: text(&other["reading"]),
            score,
            differing: other["differing"].as_u64().unwrap_or(0),
        }),
        headline,
    }
}
