//! Every embedded dataset file: it parses, has a version and loads, or names the missing file by its hash. Those whose
//! data is at hand are asked and scored from end to end with a model that follows a rule.

use std::collections::BTreeSet;

use internlm_kit::context::RunContext;
use internlm_model::tokenizer::{BpeTrainConfig, train_bpe};
use opencompass::dataset::{
    Catalog, CatalogEntry, Dataset, DatasetConfig, Mode, data_files, loaders, version,
};
use opencompass::infer::InferContext;
use opencompass::model::{Answer, MockModel, Request, ScoredText};
use opencompass::{Error, Evaluation, Part, Store};

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

#[tokio::test]
async fn families_with_data_run_from_end_to_end() {
    let Some(data) = shared::path("eval") else { return };
    let folder = tempfile::tempdir().expect("temporary folder");
    let is_here = |name: &String| data.join(name.split('!').next().unwrap_or_default()).is_file();
    let can_run = |set: &DatasetConfig| {
        let mut files = set.source.files.iter().chain(&set.source.train_files);
        files.all(is_here) && set.infer.mode != Mode::Agent
    };
    let mut stems = Vec::new();
    let mut sets = Vec::new();
    for entry in Catalog::embedded().entries() {
        let stem = entry.stem.clone();
        let Some(set) = entry.datasets().expect("parses").into_iter().find(can_run) else { continue };
        let mut dataset = Dataset::load(set, &[&data]).unwrap_or_else(|error| panic!("{stem}: {error}"));
        dataset.test.truncate(ROWS);
        stems.push(stem);
        sets.push(dataset);
    }
    assert!(stems.len() >= 40, "{} families: {stems:?}", stems.len());
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
