//! The summary files of a run: the table in upstream's forms, and our own with intervals.

use std::fmt::Write;
use std::path::PathBuf;

use indexmap::IndexMap;
use internlm_kit::file;
use serde_json::{Value, json};

use super::RunFolder;
use super::intervals::{Samples, ScoreInterval, group_interval};
use super::json::write_json;
use crate::dataset::{DatasetConfig, version};
use crate::summary::{ResultMap, Summary, SummaryDataset, SummaryInput};
use crate::{EvaluationConfig, Result};

/// The cells of a run on their way into the summary files.
pub(super) struct Table {
    input: SummaryInput,
    cells: Vec<Value>,
    /// Rows of the file of intervals.
    intervals: Vec<IntervalRow>,
    /// Model -> dataset -> items behind the metrics; empty where results were only read.
    pub(super) samples: IndexMap<String, IndexMap<String, Samples>>,
}

/// One row of the file of intervals.
struct IntervalRow {
    /// Dataset or group.
    name: String,
    metric: String,
    model: String,
    interval: ScoreInterval,
}

impl Table {
    /// Creates a table without results.
    pub(super) fn new<'a>(
        config: &EvaluationConfig,
        models: Vec<String>,
        datasets: impl Iterator<Item = &'a DatasetConfig>,
    ) -> Self {
        let dataset = |set: &DatasetConfig| SummaryDataset {
            name: set.name.clone(),
            version: version(set),
            mode: set.infer.mode.word().to_owned(),
        };
        let input = SummaryInput {
            models,
            datasets: datasets.map(dataset).collect(),
            groups: config.groups(),
            rows: config.summarizer.rows.clone(),
            ..SummaryInput::default()
        };
        Self { input, cells: Vec::new(), intervals: Vec::new(), samples: IndexMap::new() }
    }

    /// Adds the result of a cell, the intervals of its metrics and its other reading.
    pub(super) fn add(
        &mut self,
        (model, dataset): (&str, &str),
        result: ResultMap,
        intervals: IndexMap<String, ScoreInterval>,
        other: Value,
    ) {
        let headline = intervals.values().next().map_or(Value::Null, ScoreInterval::json);
        let all: serde_json::Map<String, Value> =
            intervals.iter().map(|(metric, interval)| (metric.clone(), interval.json())).collect();
        self.cells.push(json!({
            "model": model,
            "dataset": dataset,
            "result": result,
            "interval": headline,
            "intervals": all,
            "other": other,
        }));
        for (metric, interval) in intervals {
            let (name, model) = (dataset.to_owned(), model.to_owned());
            self.intervals.push(IntervalRow { name, metric, model, interval });
        }
        self.input.results.entry(model.to_owned()).or_default().insert(dataset.to_owned(), result);
    }

    /// Returns the table in the form that has intervals, as CSV.
    fn csv(&self) -> String {
        let mut text = "dataset,version,metric,mode,model,score,ci_low,ci_high,n,method\n".to_owned();
        for IntervalRow { name, metric, model, interval } in &self.intervals {
            let set = self.input.datasets.iter().find(|set| set.name == *name);
            let (version, mode) = set.map_or(("-", "-"), |set| (set.version.as_str(), set.mode.as_str()));
            let bound =
                |bound: Option<f64>| bound.map_or_else(|| "-".to_owned(), |bound| format!("{bound:.2}"));
            let row = [
                name.clone(),
                version.to_owned(),
                metric.clone(),
                mode.to_owned(),
                model.clone(),
                format!("{:.2}", interval.score),
                bound(interval.bounds.map(|(low, _)| low)),
                bound(interval.bounds.map(|(_, high)| high)),
                interval.count.to_string(),
                interval.method.to_owned(),
            ];
            let row = row.map(|cell| cell.replace(',', " "));
            writeln!(text, "{}", row.join(",")).expect("a String takes every write");
        }
        text
    }

    /// Adds the intervals of the groups.
    pub(super) fn add_groups(&mut self) {
        for model in &self.input.models {
            let Some(samples) = self.samples.get(model) else { continue };
            for group in &self.input.groups {
                if let Some(interval) = group_interval(group, samples) {
                    let (name, metric) = (group.name().to_owned(), group.metric().to_owned());
                    self.intervals.push(IntervalRow { name, metric, model: model.clone(), interval });
                }
            }
        }
    }
}

impl RunFolder {
    /// Writes all summary files of a scored run.
    pub(super) fn write_table(&self, config: &EvaluationConfig, table: &Table) -> Result<Summary> {
        let summary = self.write_summary(table)?;
        file::write(self.summary_path("intervals", "csv"), table.csv())?;
        let denominator = config.run.ppl_denominator;
        let all = json!({
            "ppl_denominator": denominator,
            "table": summary.rows,
            "problems": summary.problems,
            "cells": table.cells,
        });
        write_json(&self.summary_path("summary", "json"), &all)?;
        Ok(summary)
    }

    /// Writes the summary files in upstream's forms.
    fn write_summary(&self, table: &Table) -> Result<Summary> {
        let summary = Summary::new(&table.input);
        file::write(self.summary_path("summary", "txt"), summary.txt(self.label()))?;
        file::write(self.summary_path("summary", "csv"), summary.csv())?;
        file::write(self.summary_path("summary", "md"), summary.markdown())?;
        Ok(summary)
    }

    fn summary_path(&self, kind: &str, extension: &str) -> PathBuf {
        self.path().join(format!("summary/{kind}_{}.{extension}", self.label()))
    }

    /// Writes the summary files again from the results of the folder, without scoring anything.
    ///
    /// # Errors
    /// [`Error::Content`](crate::Error::Content) when a file is damaged; [`Error::File`](crate::Error::File).
    pub fn write_summary_of_files(&self, config: &EvaluationConfig) -> Result<Summary> {
        let sets = config.dataset_configs()?;
        let models: Vec<String> = config.models().map(|model| model.name.clone()).collect();
        let mut table = Table::new(config, models.clone(), sets.iter());
        for model in &models {
            for set in &sets {
                let mut result = match self.read_if_present("results", model, &set.name)? {
                    Some(Value::Object(result)) => result,
                    _ => ResultMap::from_iter([("error".to_owned(), json!("not scored yet"))]),
                };
                result.remove("details");
                table.add((model, &set.name), result, IndexMap::new(), Value::Null);
            }
        }
        let summary = self.write_summary(&table)?;
        let path = self.summary_path("summary", "json");
        // Intervals come from items, which were not scored again.
        if let Some(mut all) = self.read_json_if_present(&path)? {
            all["table"] = json!(summary.rows);
            all["problems"] = json!(summary.problems);
            write_json(&path, &all)?;
        }
        Ok(summary)
    }
}
