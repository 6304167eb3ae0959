//! `opencompass viz-multi-model`: puts the tables of several runs side by side.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use indexmap::IndexMap;
use internlm_kit::outln;

use super::aligned::aligned;
use crate::RunFolder;

/// Number of columns of a table before the models.
const FACTS: usize = 4;
/// Scores this near to the best one win too (upstream's `EPS`).
const EPSILON: f64 = 1e-6;

#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  opencompass viz-multi-model outputs/a/20240326_120000 outputs/b/20240327_120000\n  \
                        opencompass viz-multi-model runs/one runs/two --csv"
)]
pub(super) struct Arguments {
    /// Folders of the runs.
    #[arg(required = true, num_args = 1..)]
    runs: Vec<PathBuf>,
    /// Print comma-separated values.
    #[arg(long)]
    csv: bool,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut tables = Vec::new();
    for run in &arguments.runs {
        let summary = RunFolder::new(run).read_summary()?;
        tables.push(serde_json::from_value::<Vec<Vec<String>>>(summary["table"].clone())?);
    }
    let mut rows = joined(&tables);
    rows.push(wins(&rows));
    if arguments.csv {
        for row in rows {
            outln!("{}", row.iter().map(|cell| cell.replace(',', " ")).collect::<Vec<_>>().join(","))?;
        }
    } else {
        outln!("{}", aligned(&rows))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Joins tables by dataset, version, metric and mode. A row that a run lacks is `-`: other versions of a prompt are
/// other rows.
fn joined(tables: &[Vec<Vec<String>>]) -> Vec<Vec<String>> {
    let mut header: Vec<String> = Vec::new();
    let mut rows: IndexMap<Vec<String>, Vec<String>> = IndexMap::new();
    let mut width = 0;
    for table in tables {
        let Some((head, body)) = table.split_first() else { continue };
        let facts = FACTS.min(head.len());
        if header.is_empty() {
            header.extend_from_slice(&head[..facts]);
        }
        header.extend_from_slice(&head[facts..]);
        for row in body {
            let facts = FACTS.min(row.len());
            let scores = rows.entry(row[..facts].to_vec()).or_default();
            scores.resize(width, "-".to_owned());
            scores.extend_from_slice(&row[facts..]);
        }
        width += head.len() - facts;
    }
    let mut joined = vec![header];
    for (facts, mut scores) in rows {
        scores.resize(width, "-".to_owned());
        joined.push([facts, scores].concat());
    }
    joined
}

/// Counts per model the rows in which no other model is better.
fn wins(rows: &[Vec<String>]) -> Vec<String> {
    let columns = rows.first().map_or(0, |header| header.len().saturating_sub(FACTS));
    let mut counts = vec![0_usize; columns];
    for row in rows.iter().skip(1) {
        let score = |cell: &String| cell.trim_end_matches(['!', '?']).parse::<f64>().ok();
        let scores: Vec<Option<f64>> = row.iter().skip(FACTS).map(score).collect();
        let best = scores.iter().flatten().copied().fold(f64::NEG_INFINITY, f64::max);
        for (count, score) in counts.iter_mut().zip(&scores) {
            *count += usize::from(score.is_some_and(|score| score > best - EPSILON));
        }
    }
    let facts = ["Win Count", "-", "-", "-"].map(str::to_owned).to_vec();
    facts.into_iter().chain(counts.iter().map(ToString::to_string)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: &[[&str; 5]]) -> Vec<Vec<String>> {
        rows.iter().map(|row| row.map(str::to_owned).to_vec()).collect()
    }

    #[test]
    fn tables_are_joined_by_version_and_wins_are_counted() {
        let head = ["dataset", "version", "metric", "mode"];
        let one = table(&[
            [head[0], head[1], head[2], head[3], "one"],
            ["a", "111111", "accuracy", "gen", "50.00"],
            ["b", "222222", "accuracy", "gen", "10.00!"],
        ]);
        let two = table(&[
            [head[0], head[1], head[2], head[3], "two"],
            ["a", "111111", "accuracy", "gen", "50.00"],
            ["b", "333333", "accuracy", "gen", "20.00"],
        ]);
        let rows = joined(&[one, two]);
        assert_eq!(rows[0][4..], ["one", "two"]);
        assert_eq!(rows[1], ["a", "111111", "accuracy", "gen", "50.00", "50.00"]);
        assert_eq!(rows[2][4..], ["10.00!", "-"]);
        assert_eq!(rows[3][4..], ["-", "20.00"]);
        assert_eq!(wins(&rows), ["Win Count", "-", "-", "-", "2", "2"]);
    }
}
