//! Every embedded dataset file: it parses, has a version and loads, or names the missing file by its hash. Those whose
//! data is at hand, or whose rows can be made up, are asked and scored from end to end with a model that follows a rule.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use internlm_kit::context::RunContext;
use internlm_model::tokenizer::{BpeTrainConfig, train_bpe};
use opencompass::dataset::{
    Catalog, CatalogEntry, Dataset, DatasetConfig, Format, Mode, data_files, loaders, version,
};
use opencompass::infer::InferContext;
use opencompass::model::{Answer, MockModel, Request, ScoredText};
use opencompass::{Error, Evaluation, Part, Store};
use serde_json::{Map, Value, json};

use crate::shared;

/// Number of rows of each set that are asked.
const ROWS: usize = 3;

/// A model for every kind of request. Texts without a newline in the end are a little likelier.
fn model() -> MockModel {
    MockModel::new("rule", |request| {
        Ok(match request {
            Request::Score { text, .. } => {
                let length = match text {
                    ScoredText::Text(text) => text.len(),
                    ScoredText::Ids(ids) => ids.len(),
                };
                Answer::Scored { tokens: length + 1, log_prob: -(length as f64), unscored_bytes: 0 }
            }
            Request::Choices { choices, .. } => Answer::Choices { log_probs: vec![-1.0; choices.len()] },
            Request::Embed { texts } => Answer::Vectors { vectors: vec![vec![1.0, 0.0]; texts.len()] },
            _ => Answer::text("The answer is A. Therefore \\boxed{4}.\nANSWER: B"),
        })
    })
    .with_profile(|profile| {
        let corpus = ["Log-likelihoods need a tokenizer.".to_owned()];
        let config = BpeTrainConfig::new(300).with_min_frequency(1);
        profile.tokenizer = Some(train_bpe(corpus.into_iter(), &config).expect("trains"));
        profile.max_seq_len = 1 << 20;
    })
}

/// The first set of every file.
fn first_sets() -> Vec<(String, DatasetConfig)> {
    let catalog = Catalog::embedded();
    let first = |entry: &CatalogEntry| {
        let sets = entry.datasets().unwrap_or_else(|error| panic!("{}: {error}", entry.stem));
        (entry.stem.clone(), sets.into_iter().next().expect("one set or more"))
    };
    catalog.entries().map(first).collect()
}

#[test]
fn every_file_has_a_version_and_names_loaders_that_exist() {
    let known: BTreeSet<&str> = loaders().map(|entry| entry.name).collect();
    let sets = first_sets();
    assert!(sets.len() >= 200, "found {} files", sets.len());
    for (stem, set) in sets {
        assert_eq!(set.problems(), [""; 0], "{stem}");
        assert_eq!(version(&set).len(), 6, "{stem}");
        let steps = set.source.loader.iter().chain(set.source.train_loader.iter().flatten());
        for step in steps {
            assert!(known.contains(step.name()), "{stem}: {}", step.name());
        }
    }
}

#[test]
fn a_missing_file_is_named_with_its_hash() {
    let empty = tempfile::tempdir().expect("temporary folder");
    for (stem, set) in first_sets() {
        // Sets of the recipes have files of their own that are not published.
        let name = set.source.files[0].split('!').next().unwrap_or_default().to_owned();
        let Some(known) = data_files().iter().find(|file| file.path == name) else { continue };
        let error = Dataset::load(set, &[empty.path()]).expect_err("nothing is there");
        let text = error.to_string();
        assert!(matches!(error, Error::Data { .. }), "{stem}: {text}");
        assert!(text.contains(&name) && text.contains(known.sha256), "{stem}: {text}");
    }
}

/// Writes rows with one letter in every column, for a set that takes the rows of its files as they are. `false` for sets
/// whose rows have a form of their own.
fn write_rows(set: &DatasetConfig, folder: &Path) -> bool {
    let (source, reader) = (&set.source, &set.reader);
    let is_computed = !source.loader.is_empty()
        || source.train_loader.is_some()
        || source.continuation_choices.is_some()
        || source.records.is_some()
        || reader.answer_key.is_some();
    let needs_more = !(source.resources.is_empty() && reader.fields.is_empty() && reader.map.is_empty());
    let files = || source.files.iter().chain(&source.train_files);
    let is_packed = |file: &String| file.contains('!') || file.ends_with(".gz") || file.ends_with(".zst");
    let is_dialogue = matches!(set.infer.mode, Mode::Agent | Mode::Chat);
    if is_computed || needs_more || is_dialogue || files().any(is_packed) {
        return false;
    }
    let read = reader.input.iter().chain(&reader.output);
    let columns: Vec<&String> =
        if source.columns.is_empty() { read.collect() } else { source.columns.iter().collect() };
    let count = 1 + set.few_shot.ids.iter().copied().max().unwrap_or_default().max(ROWS);
    let row: Map<String, Value> = columns.iter().map(|name| ((*name).clone(), json!("A"))).collect();
    let row = Value::Object(row);
    let table = |separator: &str| {
        let names: Vec<&str> = columns.iter().map(|name| name.as_str()).collect();
        let header = if source.columns.is_empty() { names.join(separator) + "\n" } else { String::new() };
        header + &(vec!["A"; columns.len()].join(separator) + "\n").repeat(count)
    };
    let text = match source.format {
        Format::Jsonl => format!("{row}\n").repeat(count),
        Format::Json => json!(vec![row; count]).to_string(),
        Format::Csv => table(","),
        Format::Tsv => table("\t"),
        _ => return false,
    };
    for file in files() {
        let path = folder.join(file);
        fs::create_dir_all(path.parent().expect("a parent")).expect("creates");
        fs::write(path, &text).expect("writes");
    }
    true
}

/// The first set of a file whose data is in `data`, or with rows that are made up in `folder`.
fn with_rows(entry: &CatalogEntry, data: Option<&Path>, folder: &Path) -> Option<Dataset> {
    let is_here = |name: &String| {
        data.is_some_and(|data| data.join(name.split('!').next().unwrap_or_default()).is_file())
    };
    let can_run = |set: &DatasetConfig| {
        let mut files = set.source.files.iter().chain(&set.source.train_files);
        files.all(is_here) && set.infer.mode != Mode::Agent
    };
    let sets = entry.datasets().expect("parses");
    let place = sets.iter().position(can_run);
    let mut set = sets.into_iter().nth(place.unwrap_or_default())?;
    let made_up = folder.join(&entry.stem);
    let folder = match (place, data) {
        (Some(_), Some(data)) => data,
        _ if write_rows(&set, &made_up) => {
            set.source.sha256.clear();
            made_up.as_path()
        }
        _ => return None,
    };
    let mut dataset = Dataset::load(set, &[folder]).unwrap_or_else(|error| panic!("{}: {error}", entry.stem));
    dataset.test.truncate(ROWS);
    Some(dataset)
}

/// The first word of the name that a set has in OpenCompass: GLUE is one family, and LongBench is one.
fn family(set: &DatasetConfig) -> String {
    let source = set.meta.source.as_str();
    let name = source.split_once("OpenCompass ").map_or(source, |(_, name)| name);
    let name = name.trim_start_matches("deprecated_");
    name.split(['_', ' ']).next().unwrap_or_default().to_lowercase()
}

#[tokio::test]
async fn families_run_from_end_to_end() {
    let data = shared::path("eval");
    let folder = tempfile::tempdir().expect("temporary folder");
    let mut stems = Vec::new();
    let mut sets = Vec::new();
    for entry in Catalog::embedded().entries() {
        let Some(dataset) = with_rows(entry, data.as_deref(), folder.path()) else { continue };
        stems.push(entry.stem.clone());
        sets.push(dataset);
    }
    let families: BTreeSet<String> = sets.iter().map(|dataset| family(&dataset.config)).collect();
    let least = if data.is_some() { 40 } else { 20 };
    assert!(families.len() >= least, "{} families: {families:?}", families.len());
    let evaluation = Evaluation::new(sets, vec![Box::new(model())]);
    // Nobody judges here, and no program is run.
    let plan = evaluation.plan_part(InferContext::default(), Part::Answers);
    let mut store = Store::open(folder.path().join("store.jsonl")).expect("opens");
    let failures = evaluation.ask(&plan, &mut store, 4, &RunContext::default()).await.expect("asks");
    let results = evaluation.conclude(&plan, &store, &failures).expect("scores");
    for (stem, result) in stems.iter().zip(&results) {
        let scores = result.scores().unwrap_or_else(|| panic!("{stem}: refused"));
        assert!(!scores.details.is_empty(), "{stem}: no details");
        assert!(scores.metrics.values().all(|value| value.is_finite()), "{stem}: {:?}", scores.metrics);
    }
}
