//! `opencompass list-configs`: lists every known dataset.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use internlm_kit::outln;
use serde_json::json;

use super::aligned::aligned;
use crate::dataset::{Catalog, CatalogEntry, DatasetConfig, Origin, list_version};
use crate::glob::glob;

#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  opencompass list-configs\n  opencompass list-configs 'ARC*' mmlu\n  \
                  opencompass list-configs --group reasoning --json\n  opencompass list-configs --dataset-dir my/datasets")]
pub(super) struct Arguments {
    /// Names or patterns of files [default: all].
    names: Vec<String>,
    /// Folder of dataset files, which add to the embedded ones or replace them. May be repeated.
    #[arg(long, value_name = "DIR")]
    dataset_dir: Vec<PathBuf>,
    /// Only list the sets of this group, such as `reasoning`.
    #[arg(long, value_name = "GROUP")]
    group: Option<String>,
    /// Print JSON, one object per file.
    #[arg(long)]
    json: bool,
}

/// What the list shows of a file.
const COLUMNS: [&str; 9] =
    ["file", "sets", "first set", "version", "mode", "evaluator", "group", "questions", "from"];

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let catalog = Catalog::open(&arguments.dataset_dir)?;
    let mut rows = vec![COLUMNS.map(str::to_owned).to_vec()];
    for entry in catalog.entries().filter(|entry| is_named(&arguments.names, &entry.stem)) {
        let sets = entry.datasets()?;
        let Some(first) = sets.first() else { continue };
        if arguments.group.as_ref().is_some_and(|group| *group != first.meta.group) {
            continue;
        }
        rows.push(row(entry, &sets, first));
    }
    if arguments.json {
        let object = |row: &Vec<String>| json!(COLUMNS.iter().zip(row).collect::<indexmap::IndexMap<_, _>>());
        let all: Vec<serde_json::Value> = rows.iter().skip(1).map(object).collect();
        outln!("{}", serde_json::to_string_pretty(&all)?)?;
    } else {
        outln!("{}", aligned(&rows))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn is_named(names: &[String], stem: &str) -> bool {
    names.is_empty() || names.iter().any(|name| glob(name.as_bytes(), stem.as_bytes()))
}

fn row(entry: &CatalogEntry, sets: &[DatasetConfig], first: &DatasetConfig) -> Vec<String> {
    let from = match &entry.origin {
        Origin::Embedded => "embedded".to_owned(),
        Origin::File(path) => path.display().to_string(),
    };
    let counts: Option<usize> = sets.iter().map(|set| set.meta.count).sum();
    let or_dash = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
    vec![
        entry.stem.clone(),
        sets.len().to_string(),
        first.name.clone(),
        list_version(sets),
        format!("{:?}", first.infer.mode).to_lowercase(),
        first.score.evaluator.name().to_owned(),
        or_dash(&first.meta.group),
        counts.map_or_else(|| "-".to_owned(), |count| count.to_string()),
        from,
    ]
}
