//! The run folder, in upstream's layout: `configs/`, `predictions/`, `results/`, `summary/`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use internlm_kit::{atomic, provenance};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::evaluation::{CellResult, CellState};
use crate::prompt::version;
use crate::score::wilson;
use crate::summary::{ResultMap, Summary, SummaryDataset, SummaryInput};
use crate::{Error, Evaluation, Result, RunConfig};

/// Where the resolved run file goes.
const RESOLVED: &str = "configs/run.toml";
/// Keys that say how, not what: they may differ between runs of one folder.
const HOW: [&str; 8] =
    ["base-url", "workers", "timeout-seconds", "retries", "folder", "work-dir", "store", "flat-summary"];

/// The resolved run file: what was asked of whom, with every hash.
#[derive(Serialize)]
struct Resolved<'a> {
    version: &'static str,
    identities: BTreeMap<&'a str, &'a str>,
    prompts: BTreeMap<&'a str, String>,
    data: BTreeMap<&'a str, &'a str>,
    config: &'a RunConfig,
}

/// Writes `configs/run.toml`.
///
/// # Errors
/// [`Error::File`]; with [`Reuse::Same`], [`Error::OtherRun`] naming the keys in which the folder's run differs.
pub fn write_config(folder: &Path, config: &RunConfig, evaluation: &Evaluation, reuse: Reuse) -> Result<()> {
    let profiles = evaluation.profiles();
    let sets = &evaluation.datasets;
    let resolved = Resolved {
        version: env!("CARGO_PKG_VERSION"),
        identities: profiles
            .iter()
            .map(|profile| (profile.name.as_str(), profile.identity.as_str()))
            .collect(),
        prompts: sets.iter().map(|set| (set.config.name.as_str(), version(&set.config))).collect(),
        data: sets
            .iter()
            .flat_map(|set| &set.hashes)
            .map(|(name, hash)| (name.as_str(), hash.as_str()))
            .collect(),
        config,
    };
    let table = toml::Table::try_from(&resolved).expect("a run file that was read can be written");
    let path = folder.join(RESOLVED);
    if let Ok(text) = fs::read_to_string(&path)
        && let Ok(before) = text.parse::<toml::Table>()
    {
        let mut keys = Vec::new();
        differing("", &before, &table, &mut keys);
        if !keys.is_empty() && reuse == Reuse::Same {
            return Err(Error::OtherRun { folder: folder.to_path_buf(), keys });
        }
        if !keys.is_empty() {
            tracing::info!("{}: differs from the last run in {}", folder.display(), keys.join(", "));
        }
    }
    let text = toml::to_string(&table).expect("a table of strings, numbers and tables can be written");
    let header = provenance::header(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
    write(&path, (header + &text).as_bytes())
}

/// What a folder with another run in it means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reuse {
    /// The run must be the same.
    Same,
    /// The folder belongs to whatever runs now.
    Any,
}

/// Keys whose values differ, apart from those that only say how.
fn differing(prefix: &str, before: &toml::Table, now: &toml::Table, keys: &mut Vec<String>) {
    let names: std::collections::BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    for name in names.into_iter().filter(|name| !HOW.contains(&name.as_str())) {
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match (before.get(name), now.get(name)) {
            (Some(toml::Value::Table(before)), Some(toml::Value::Table(now))) => {
                differing(&path, before, now, keys);
            }
            (before, now) if before != now => keys.push(path),
            _ => {}
        }
    }
}

/// Writes predictions, results and summary; gives the summary.
///
/// # Errors
/// [`Error::File`].
pub fn write_results(
    folder: &Path,
    label: &str,
    config: &RunConfig,
    evaluation: &Evaluation,
    results: &[CellResult],
) -> Result<Summary> {
    let mut input = SummaryInput {
        models: evaluation.profiles().iter().map(|profile| profile.name.clone()).collect(),
        datasets: evaluation
            .datasets
            .iter()
            .map(|set| SummaryDataset {
                name: set.config.name.clone(),
                version: version(&set.config),
                mode: set.config.infer.mode.word().to_owned(),
            })
            .collect(),
        groups: config.group.clone(),
        ..SummaryInput::default()
    };
    let mut cells = Vec::new();
    for cell in results {
        let model = &evaluation.models[cell.model].profile().name;
        let dataset = &evaluation.datasets[cell.dataset].config.name;
        let result = result_map(cell);
        write_cell(folder, model, dataset, cell, &result)?;
        cells.push(
            json!({ "model": model, "dataset": dataset, "result": result, "interval": interval(cell) }),
        );
        input.results.entry(model.clone()).or_default().insert(dataset.clone(), result);
    }
    let summary = Summary::new(&input);
    let path = |extension: &str| folder.join(format!("summary/summary_{label}.{extension}"));
    write(&path("txt"), summary.txt(label).as_bytes())?;
    write(&path("csv"), summary.csv().as_bytes())?;
    write(&path("md"), summary.markdown().as_bytes())?;
    let all = json!({ "ppl_denominator": config.run.ppl_denominator, "table": summary.rows, "cells": cells });
    write(&path("json"), &pretty(&all))?;
    Ok(summary)
}

fn write_cell(
    folder: &Path,
    model: &str,
    dataset: &str,
    cell: &CellResult,
    result: &ResultMap,
) -> Result<()> {
    let mut result = result.clone();
    if let CellState::Scored { predictions, scores } = &cell.state {
        let records: Map<String, Value> = predictions
            .iter()
            .enumerate()
            .map(|(row, item)| (row.to_string(), item.record.clone()))
            .collect();
        let path = folder.join(format!("predictions/{model}/{dataset}.json"));
        write(&path, &pretty(&Value::Object(records)))?;
        let details: Map<String, Value> =
            scores.details.iter().enumerate().map(|(row, detail)| (row.to_string(), json!(detail))).collect();
        result.insert("details".to_owned(), Value::Object(details));
    }
    write(&folder.join(format!("results/{model}/{dataset}.json")), &pretty(&Value::Object(result)))
}

/// Metrics, `unanswered` when items have no answer, or `error`.
fn result_map(cell: &CellResult) -> ResultMap {
    match &cell.state {
        CellState::Refused(reason) => ResultMap::from_iter([("error".to_owned(), json!(reason))]),
        CellState::Scored { scores, .. } => {
            let mut result: ResultMap =
                scores.metrics.iter().map(|(metric, score)| (metric.clone(), json!(score))).collect();
            let failed = scores.details.len() - scores.answered;
            if failed > 0 {
                // Text, so that tables do not take it for a metric.
                result
                    .insert("unanswered".to_owned(), json!(format!("{failed} of {}", scores.details.len())));
            }
            if scores.metrics.is_empty() {
                result.insert("error".to_owned(), json!("no item was answered"));
            }
            result
        }
    }
}

/// Wilson's interval of a proportion.
fn interval(cell: &CellResult) -> Value {
    let Some(scores) = cell.scores() else { return Value::Null };
    let count = scores.details.len();
    match scores.correct {
        None => json!({ "n": count }),
        Some(correct) => {
            let (low, high) = wilson(correct as f64, count);
            json!({ "ci_low": low, "ci_high": high, "n": count })
        }
    }
}

/// Writes `summary.json`: the configured numbers of the first model, the count of items, the seconds.
///
/// # Errors
/// [`Error::File`].
pub fn write_flat_summary(
    folder: &Path,
    config: &RunConfig,
    evaluation: &Evaluation,
    results: &[CellResult],
    seconds: f64,
) -> Result<()> {
    let mut flat = Map::new();
    for (name, place) in &config.flat_summary {
        let (dataset, metric) = place.split_once('/').unwrap_or((place, ""));
        let of_set =
            |cell: &&CellResult| cell.model == 0 && evaluation.datasets[cell.dataset].config.name == dataset;
        let scores = results.iter().find(of_set).and_then(CellResult::scores);
        let value = scores.and_then(|scores| scores.metrics.get(metric));
        flat.insert(name.clone(), value.map_or_else(|| json!("-"), |value| json!(rounded(*value, 1e4))));
    }
    let items: usize = results.iter().filter_map(CellResult::scores).map(|scores| scores.details.len()).sum();
    flat.insert("items".to_owned(), json!(items));
    flat.insert("seconds".to_owned(), json!(rounded(seconds, 10.0)));
    write(&folder.join("summary.json"), &pretty(&Value::Object(flat)))
}

fn rounded(value: f64, steps: f64) -> f64 {
    (value * steps).round() / steps
}

fn pretty(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
    value.serialize(&mut serializer).expect("JSON values can be written");
    bytes.push(b'\n');
    bytes
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    atomic::write(path, bytes).map_err(Error::file(path))
}
