//! The embedded files of published sets: asked as upstream asks, loaded from the user's files.

use std::fs;
use std::io::Read;

use opencompass::dataset::{Catalog, Dataset, infer_cfg_hash, list_version};
use opencompass::infer::InferContext;
use opencompass::model::{MockModel, Model, Request, ScoredText};
use opencompass::plan::{Plan, Work};
use serde_json::Value;

use crate::shared;

/// The stems of dataset files with upstream's hashes of the configurations that ask the same.
const PUBLISHED: &str = include_str!("../golden/published_versions.txt");

#[test]
fn prompt_hashes_are_those_of_upstreams_configs() {
    let catalog = Catalog::embedded();
    let lines: Vec<&str> = PUBLISHED.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(lines.len() > 200, "{}", lines.len());
    for line in lines {
        let (stem, suffix) = line.split_once(' ').expect("a stem and a suffix");
        let sets = catalog.find(&[stem]).expect("embedded");
        assert_eq!(list_version(&sets), suffix, "{stem}");
    }
}

#[test]
fn recorded_configurations_have_upstreams_hashes() {
    let Some(path) = shared::path("golden/opencompass/config_hash/public.jsonl.zst") else { return };
    let file = fs::File::open(&path).expect("opens");
    let mut text = String::new();
    ruzstd::decoding::StreamingDecoder::new(file).expect("zstd").read_to_string(&mut text).expect("UTF-8");
    let mut count = 0;
    for line in text.lines() {
        let config: Value = serde_json::from_str(line).expect("a JSON object per line");
        let mut hashes = Vec::new();
        for entry in config["entries"].as_array().expect("a list") {
            let text = entry["infer_cfg"].as_str().expect("JSON text");
            let hash = infer_cfg_hash(&serde_json::from_str(text).expect("JSON"));
            assert_eq!(hash, entry["sha256"], "{}: {}", config["config"], entry["abbr"]);
            hashes.push(hash);
        }
        let whole = match &hashes[..] {
            [hash] => hash.clone(),
            several => internlm_kit::hash::sha256(several.join(",")),
        };
        assert_eq!(whole[..6], *config["suffix"].as_str().expect("text"), "{}", config["config"]);
        count += 1;
    }
    assert_eq!(count, 100);
}

fn loaded(name: &str) -> Option<Vec<Dataset>> {
    let data = shared::path("eval")?;
    let sets = Catalog::embedded().find(&[name]).expect("embedded");
    Some(sets.into_iter().map(|set| Dataset::load(set, &[&data]).expect("loads")).collect())
}

#[test]
fn the_sets_load_with_their_published_counts() {
    for (stem, sets, rows) in [
        ("gsm8k", 1, 1319),
        ("piqa", 1, 1838),
        ("mmlu", 57, 14042),
        ("ceval", 52, 1346),
        ("ARC-e", 1, 567),
        ("ARC-c", 1, 295),
    ] {
        let Some(loaded) = loaded(stem) else { return };
        assert_eq!(loaded.len(), sets, "{stem}");
        assert_eq!(loaded.iter().map(|set| set.test.len()).sum::<usize>(), rows, "{stem}");
    }
}

#[test]
fn the_answers_of_gsm8k_are_numbers_and_of_arc_letters() {
    let Some(gsm8k) = loaded("gsm8k") else { return };
    assert_eq!(gsm8k[0].test[0].gold(&gsm8k[0].config.reader), "18");
    let arc = loaded("ARC-c").expect("beside gsm8k");
    let letters: std::collections::BTreeSet<String> =
        arc[0].test.iter().map(|row| row.gold(&arc[0].config.reader).to_string()).collect();
    assert_eq!(letters.into_iter().collect::<String>(), "\"A\"\"B\"\"C\"\"D\"");
}

#[test]
fn a_question_of_mmlu_carries_five_shots() {
    let Some(mut sets) = loaded("lukaemon_mmlu_abstract_algebra") else { return };
    sets[0].test.truncate(1);
    let model = MockModel::new("mock", |_| unreachable!("planning asks nothing"));
    let plan = Plan::new(&[model.profile()], &sets, InferContext::default());
    let Work::Ready(items) = &plan.cells[0].work else { panic!("refused") };
    assert_eq!(items[0].asks.len(), 4);
    let Request::Score { text: ScoredText::Text(prompt), .. } = &items[0].asks[1].request else {
        panic!("a text to score")
    };
    let head = "The following are multiple choice questions (with answers) about  abstract algebra.\n\nFind all c in Z_3";
    assert!(prompt.starts_with(head), "{prompt}");
    assert_eq!(prompt.matches("\nAnswer: ").count(), 6);
    assert!(prompt.ends_with("\nAnswer: B"), "{prompt}");
}

#[test]
fn a_turned_set_asks_every_question_in_every_order() {
    for (name, orders) in [("ARC-c@circular", 4), ("piqa@all_possible", 2)] {
        let Some(sets) = loaded(name) else { return };
        let set = &sets[0];
        let rows = if name.starts_with("ARC") { 295 } else { 1838 };
        assert_eq!(set.test.len(), rows * orders, "{name}");
        let column = |row: &opencompass::dataset::Row| {
            let answer = row.gold(&set.config.reader).to_string();
            match answer.trim_matches('"') {
                "0" => "sol1".to_owned(),
                "1" => "sol2".to_owned(),
                letter => format!("text{letter}"),
            }
        };
        for question in set.test.chunks(orders) {
            let right: std::collections::BTreeSet<String> =
                question.iter().map(|row| row.columns[&column(row)].to_string()).collect();
            assert_eq!(right.len(), 1, "{name}: {question:?}");
            assert!(question.iter().all(|row| row.columns["qid"] == question[0].columns["qid"]));
        }
    }
}
