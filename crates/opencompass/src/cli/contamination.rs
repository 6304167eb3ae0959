//! `opencompass contamination`: finds the items of test sets in a training corpus.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use internlm_kit::exit::UsageError;
use internlm_kit::file::{self, AtPath};
use internlm_kit::outln;
use serde_json::{Value, json};

use super::aligned::aligned;
use super::settings;
use crate::contamination::{Class, ItemText, NgramIndex, Overlap, grams, item_texts, split_scores, tokens};
use crate::counted::counted;
use crate::{EvaluationConfig, RunFolder};

#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  opencompass contamination index --datasets gsm8k mmlu --out tests.ngrams\n  \
                        opencompass contamination check run.toml --corpus corpus/*.jsonl\n  \
                        opencompass contamination check run.toml --corpus corpus.jsonl --run outputs/default/20240326_120000"
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Write the n-grams of test sets to a file, with which a data pipeline can drop their texts.
    Index(Index),
    /// Check for every item whether it is in a corpus, and split the scores of a run accordingly.
    Check(Check),
}

#[derive(Args, Debug)]
struct Index {
    #[command(flatten)]
    settings: settings::Arguments,
    /// File of the index.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

#[derive(Args, Debug)]
struct Check {
    #[command(flatten)]
    settings: settings::Arguments,
    /// Files of the corpus: JSON lines with a `text` or `content`, or plain text with a document per line.
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    corpus: Vec<PathBuf>,
    /// Folder of a scored run, whose scores are split and which takes the result.
    #[arg(long = "run", value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Share of a question's n-grams from which on it counts as known, from 0 to 1.
    #[arg(long, value_name = "SHARE", default_value_t = 0.5)]
    least: f64,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    match &arguments.verb {
        Verb::Index(index) => write_index(index),
        Verb::Check(check) => self::check(check),
    }
}

fn write_index(arguments: &Index) -> anyhow::Result<ExitCode> {
    let config = settings::config(&arguments.settings.or_mock())?;
    let index = index(&texts(&config)?);
    index.write(&arguments.out)?;
    outln!("{}: {}", arguments.out.display(), counted(index.len(), "n-gram"))?;
    Ok(ExitCode::SUCCESS)
}

fn check(arguments: &Check) -> anyhow::Result<ExitCode> {
    if !(0.0..=1.0).contains(&arguments.least) {
        return Err(UsageError(format!("--least: found {}, expected 0 to 1", arguments.least)).into());
    }
    let config = settings::config(&arguments.settings.or_mock())?;
    let texts = texts(&config)?;
    let corpus = found(&index(&texts), &arguments.corpus)?;
    let classes = [Class::Clean, Class::Input, Class::InputAndLabel, Class::Short];
    let mut rows = vec![vec!["dataset".to_owned(), "items".to_owned()]];
    rows[0].extend(classes.map(|class| class.word().to_owned()));
    let mut scores = vec![["dataset", "model", "metric", "score", "n"].map(str::to_owned).to_vec()];
    for (name, items) in &texts {
        let overlap = |item: &ItemText| Overlap::of(item, &corpus, arguments.least);
        let overlaps: Vec<Overlap> = items.iter().map(overlap).collect();
        let count =
            |class: Class| overlaps.iter().filter(|overlap| overlap.class == class).count().to_string();
        let mut row = vec![name.clone(), overlaps.len().to_string()];
        row.extend(classes.map(count));
        rows.push(row);
        if let Some(folder) = &arguments.folder {
            let path = folder.join(format!("contamination/{name}.json"));
            file::write(path, serde_json::to_vec_pretty(&overlaps)?)?;
            scores.extend(split(&RunFolder::new(folder), name, &overlaps)?);
        }
    }
    outln!("{}", aligned(&rows))?;
    if scores.len() > 1 {
        outln!("\n{}", aligned(&scores))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the texts of all items by dataset.
fn texts(config: &EvaluationConfig) -> anyhow::Result<Vec<(String, Vec<ItemText>)>> {
    let sets = config.datasets()?;
    Ok(sets.iter().map(|set| (set.config.name.clone(), item_texts(set))).collect())
}

/// Collects the n-grams of questions, and of questions followed by their answers.
fn index(texts: &[(String, Vec<ItemText>)]) -> NgramIndex {
    let items = texts.iter().flat_map(|(_, items)| items);
    NgramIndex::of(items.map(|item| format!("{} {}", item.input, item.label)))
}

/// Returns the n-grams of the tests that occur in the corpus. Only these are kept, so the corpus may have any size.
fn found(tests: &NgramIndex, corpus: &[PathBuf]) -> anyhow::Result<NgramIndex> {
    let mut found = BTreeSet::new();
    for path in corpus {
        let reader = BufReader::new(std::fs::File::open(path).at(path, "open")?);
        for (number, line) in reader.lines().enumerate() {
            let line = line.at(path, "read")?;
            let text = document(path, number + 1, &line)?;
            found.extend(grams(&tokens(&text)).into_iter().filter(|gram| tests.contains(*gram)));
        }
    }
    Ok(NgramIndex::of_hashes(found.into_iter().collect()))
}

/// Returns the text of one line of a corpus.
fn document(path: &Path, number: usize, line: &str) -> anyhow::Result<String> {
    if path.extension().is_none_or(|extension| extension != "jsonl") || line.trim().is_empty() {
        return Ok(line.to_owned());
    }
    let value: Value = serde_json::from_str(line).unwrap_or_default();
    let text = ["text", "content"].into_iter().find_map(|name| value[name].as_str());
    let missing = || {
        let message = format!("line {number}: expected a JSON object with `text` or `content`");
        crate::Error::Content { path: path.to_path_buf(), message }
    };
    Ok(text.ok_or_else(missing)?.to_owned())
}

/// Returns the rows of one dataset's split scores.
fn split(folder: &RunFolder, dataset: &str, overlaps: &[Overlap]) -> anyhow::Result<Vec<Vec<String>>> {
    let mut rows = Vec::new();
    let summary = folder.read_summary()?;
    for cell in
        summary["cells"].as_array().into_iter().flatten().filter(|cell| cell["dataset"] == json!(dataset))
    {
        let model = cell["model"].as_str().unwrap_or_default();
        let results = folder.read("results", model, dataset)?;
        let mut metrics = results.as_object().into_iter().flatten();
        let headline = metrics.find_map(|(metric, score)| Some((metric.as_str(), score.as_f64()?)));
        let Some((metric, score)) = headline else { continue };
        let parts = split_scores((metric, score), &results["details"], overlaps);
        if parts.is_empty() {
            tracing::warn!(
                "{model} x {dataset}: {metric} is not split: found no scores of items with this mean"
            );
        }
        for (name, (score, count)) in parts {
            rows.push(vec![
                dataset.to_owned(),
                model.to_owned(),
                name,
                format!("{score:.2}"),
                count.to_string(),
            ]);
        }
    }
    Ok(rows)
}
