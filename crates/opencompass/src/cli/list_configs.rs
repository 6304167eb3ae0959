//! `opencompass list-configs`: lists every known dataset.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use internlm_kit::outln;
use serde_json::json;

use super::aligned::aligned;
use crate::dataset::{Catalog, CatalogEntry, DatasetConfig, Origin, list_version, nearest};
use crate::glob::glob;
use crate::{Error, Result};

#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  opencompass list-configs\n  opencompass list-configs 'ARC*' mmlu\n  \
                  opencompass list-configs --group reasoning --json\n  opencompass list-configs --dataset-dir my/datasets")]
pub(super) struct Arguments {
    /// Names or patterns of files or of their sets [default: all].
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
    let mut known = Known::default();
    for entry in catalog.entries() {
        let sets = entry.datasets()?;
        let Some(first) = sets.first() else { continue };
        known.add(entry, &sets);
        let is_named = arguments.names.is_empty()
            || arguments.names.iter().any(|name| Known::of(entry, &sets).any(|known| is_like(name, known)));
        if is_named && arguments.group.as_ref().is_none_or(|group| *group == first.meta.group) {
            rows.push(row(entry, &sets, first));
        }
    }
    known.check(arguments)?;
    if arguments.json {
        let object = |row: &Vec<String>| json!(COLUMNS.iter().zip(row).collect::<indexmap::IndexMap<_, _>>());
        let all: Vec<serde_json::Value> = rows.iter().skip(1).map(object).collect();
        outln!("{}", serde_json::to_string_pretty(&all)?)?;
    } else {
        outln!("{}", aligned(&rows))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn is_like(name: &str, known: &str) -> bool {
    glob(name.as_bytes(), known.as_bytes())
}

/// The names and groups that can be asked for.
#[derive(Default)]
struct Known {
    names: Vec<String>,
    groups: BTreeSet<String>,
}

impl Known {
    /// The names of a file: its stem and those of its sets.
    fn of<'a>(entry: &'a CatalogEntry, sets: &'a [DatasetConfig]) -> impl Iterator<Item = &'a str> {
        std::iter::once(entry.stem.as_str()).chain(sets.iter().map(|set| set.name.as_str()))
    }

    fn add(&mut self, entry: &CatalogEntry, sets: &[DatasetConfig]) {
        self.names.extend(Self::of(entry, sets).map(str::to_owned));
        self.groups.extend(sets.first().map(|set| set.meta.group.clone()).filter(|group| !group.is_empty()));
    }

    /// Checks that every name that was asked for fits something, and that there is such a group.
    fn check(&self, arguments: &Arguments) -> Result<()> {
        for name in &arguments.names {
            if !self.names.iter().any(|known| is_like(name, known)) {
                let near = nearest(name, self.names.iter().map(String::as_str));
                let hint = near.map_or_else(String::new, |near| format!("nearest known name: `{near}`"));
                return Err(Error::UnknownName { kind: "dataset", name: name.clone(), hint });
            }
        }
        match &arguments.group {
            Some(name) if !self.groups.contains(name) => {
                let groups: Vec<&str> = self.groups.iter().map(String::as_str).collect();
                let hint = format!("expected one of {}", groups.join(", "));
                Err(Error::UnknownName { kind: "group", name: name.clone(), hint })
            }
            _ => Ok(()),
        }
    }
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
