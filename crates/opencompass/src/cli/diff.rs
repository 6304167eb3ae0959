//! `opencompass diff`: compares two runs.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use internlm_kit::outln;
use serde_json::json;

use super::aligned::aligned;
use crate::RunFolder;
use crate::report::{CellDifference, compare, write_report};

/// Number of items that a list shows.
const SHOWN: usize = 10;

#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  opencompass diff outputs/default/20240326_120000 outputs/default/20240327_120000\n  \
                        opencompass diff runs/one runs/two --report"
)]
pub(super) struct Arguments {
    /// Folder of the first run.
    first: PathBuf,
    /// Folder of the second run.
    second: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Write a report that shows both runs side by side into the first folder.
    #[arg(long)]
    report: bool,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let (first, second) = (RunFolder::new(&arguments.first), RunFolder::new(&arguments.second));
    let differences = compare(&first, &second)?;
    for CellDifference { model, dataset, .. } in differences.iter().filter(|cell| cell.other_questions) {
        tracing::warn!(
            "{model} x {dataset}: the runs asked different questions under the same numbers, so items are not compared"
        );
    }
    if arguments.json {
        let all: Vec<serde_json::Value> = differences.iter().map(json_of).collect();
        outln!("{}", serde_json::to_string_pretty(&all)?)?;
    } else {
        let header = ["dataset", "model", "metric", "first", "second", "difference", "p", "gained", "lost"];
        let mut rows = vec![header.map(str::to_owned).to_vec()];
        rows.extend(differences.iter().map(row));
        outln!("{}", aligned(&rows))?;
    }
    if arguments.report {
        let path = write_report(&[&first, &second])?;
        tracing::info!("the report is in {}", path.display());
    }
    Ok(ExitCode::SUCCESS)
}

fn row(cell: &CellDifference) -> Vec<String> {
    let difference = format!("{:+.2}", cell.second - cell.first);
    let (interval, p_value) = cell.test.as_ref().map_or_else(
        || (String::new(), "-".to_owned()),
        |test| {
            let (low, high) = (test.interval.low, test.interval.high);
            (format!(" [{low:+.2}, {high:+.2}]"), format!("{:.3}", test.p_value))
        },
    );
    let items = |items: &[String]| {
        let more = if items.len() > SHOWN { ", ..." } else { "" };
        let names = items.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
        if items.is_empty() { "0".to_owned() } else { format!("{}: {names}{more}", items.len()) }
    };
    vec![
        cell.dataset.clone(),
        cell.model.clone(),
        cell.metric.clone(),
        format!("{:.2}", cell.first),
        format!("{:.2}", cell.second),
        format!("{difference}{interval}"),
        p_value,
        items(&cell.gained),
        items(&cell.lost),
    ]
}

fn json_of(cell: &CellDifference) -> serde_json::Value {
    let test = cell.test.as_ref().map(
        |test| json!({ "ci_low": test.interval.low, "ci_high": test.interval.high, "p_value": test.p_value }),
    );
    json!({
        "dataset": cell.dataset,
        "model": cell.model,
        "metric": cell.metric,
        "first": cell.first,
        "second": cell.second,
        "difference": cell.second - cell.first,
        "test": test,
        "gained": cell.gained,
        "lost": cell.lost,
        "other_questions": cell.other_questions,
    })
}
