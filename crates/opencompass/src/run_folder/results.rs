//! The files that a finished run writes: predictions, results and logs of every cell.

use serde_json::{Map, Value, json};

use super::RunFolder;
use super::intervals::{intervals, samples};
use super::json::write_json;
use super::readings;
use super::table::Table;
use crate::summary::{ResultMap, Summary};
use crate::{CellResult, CellState, Evaluation, EvaluationConfig, Result};

impl RunFolder {
    /// Writes the predictions, results and summaries of all cells and returns the summary.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File).
    pub fn write_results(
        &self,
        config: &EvaluationConfig,
        evaluation: &Evaluation,
        results: &[CellResult],
    ) -> Result<Summary> {
        let profiles = evaluation.profiles();
        let models = profiles.iter().map(|profile| profile.name.clone()).collect();
        let mut table = Table::new(config, models, evaluation.datasets().iter().map(|set| &set.config));
        for cell in results {
            let set = &evaluation.datasets()[cell.dataset];
            let (model, dataset) = (&profiles[cell.model].name, &set.config.name);
            let result = result_map(cell);
            self.write_cell(config, (model, dataset), cell, &result)?;
            self.write_reading(evaluation, cell)?;
            self.write_eval_log(evaluation, cell)?;
            self.write_heat_map(model, cell, set)?;
            let samples = samples(cell, set);
            let intervals = intervals(cell, &samples);
            table.add((model, dataset), result, intervals, readings::summary(evaluation, cell));
            table.samples.entry(model.clone()).or_default().insert(dataset.clone(), samples);
        }
        table.add_groups();
        self.write_table(config, &table)
    }

    fn write_cell(
        &self,
        config: &EvaluationConfig,
        (model, dataset): (&str, &str),
        cell: &CellResult,
        result: &ResultMap,
    ) -> Result<()> {
        let mut result = result.clone();
        if let CellState::Scored { predictions, scores, .. } = &cell.state {
            let records: Map<String, Value> = predictions
                .iter()
                .enumerate()
                .map(|(row, item)| (row.to_string(), item.record.clone()))
                .collect();
            let path = self.path().join(format!("predictions/{model}/{dataset}.json"));
            write_json(&path, &Value::Object(records))?;
            self.remove_temporary(model, dataset)?;
            if config.run.details {
                let details = scores.details.iter().enumerate();
                let details: Map<String, Value> =
                    details.map(|(row, detail)| (row.to_string(), json!(detail))).collect();
                result.insert("details".to_owned(), Value::Object(details));
            }
        }
        write_json(&self.path().join(format!("results/{model}/{dataset}.json")), &Value::Object(result))
    }

    /// Writes `summary.json`: the numbers of the first model that `[flat-summary]` names, the number of items
    /// and the seconds of the run.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File).
    pub fn write_flat_summary(
        &self,
        config: &EvaluationConfig,
        evaluation: &Evaluation,
        results: &[CellResult],
        seconds: f64,
    ) -> Result<()> {
        let mut flat = Map::new();
        for (name, place) in &config.flat_summary {
            let (dataset, metric) = place.split_once('/').unwrap_or((place, ""));
            let of_set = |cell: &&CellResult| {
                cell.model == 0 && evaluation.datasets()[cell.dataset].config.name == dataset
            };
            let scores = results.iter().find(of_set).and_then(CellResult::scores);
            let value = scores.and_then(|scores| scores.metrics.get(metric));
            flat.insert(name.clone(), value.map_or_else(|| json!("-"), |value| json!(rounded(*value, 1e4))));
        }
        let scores = results.iter().filter_map(CellResult::scores);
        let items: usize = scores.map(|scores| scores.details.len()).sum();
        flat.insert("items".to_owned(), json!(items));
        flat.insert("seconds".to_owned(), json!(rounded(seconds, 10.0)));
        write_json(&self.path().join("summary.json"), &Value::Object(flat))
    }
}

/// Returns the metrics of a cell and its results that are not numbers, with `unanswered` if items have no answer and
/// `ties` if the scores do not tell the labels apart, or its `error`.
fn result_map(cell: &CellResult) -> ResultMap {
    match &cell.state {
        CellState::Refused(reason) => ResultMap::from_iter([("error".to_owned(), json!(reason))]),
        CellState::Scored { scores, .. } => {
            let mut result: ResultMap =
                scores.metrics.iter().map(|(metric, score)| (metric.clone(), json!(score))).collect();
            result.extend(scores.extra.clone());
            let failed = scores.details.len() - scores.answered;
            if failed > 0 {
                // Written as text, so that tables do not take it for a metric.
                let unanswered = format!("{failed} of {}", scores.details.len());
                result.insert("unanswered".to_owned(), json!(unanswered));
            }
            if let Some(ties) = cell.ties() {
                result.insert("ties".to_owned(), json!(format!("{ties} of {}", scores.details.len())));
            }
            if scores.metrics.is_empty() {
                let first = scores.details.iter().find_map(|detail| detail.reason.as_deref());
                let reason = first.map_or(String::new(), |first| format!(", the first: {first}"));
                result.insert("error".to_owned(), json!(format!("no item was answered{reason}")));
            }
            result
        }
    }
}

fn rounded(value: f64, steps: f64) -> f64 {
    (value * steps).round() / steps
}
