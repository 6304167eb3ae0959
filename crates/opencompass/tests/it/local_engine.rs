//! The engine in this process: every kind of request through the binary, the same bytes for every batch size, and those
//! of lmdeploy's server on the same weights.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use lmdeploy::engine::ExecutorConfig;
use serde_json::{Value, json};

use crate::engine::{Served, tiny_model};
use crate::runs::{Bench, bytes, told};

/// Number of questions of every set.
const ROWS: usize = 8;

/// Sets of the modes that the bench does not have: continuations, choices, and examples by their vectors.
const SETS: [(&str, &str); 3] = [
    (
        "sets/likely.toml",
        r#"
name = "likely"
source = { files = ["rows.jsonl"] }
reader = { input = ["first", "second"], output = "key" }
prompt = { labels = { 1 = "{first}", 2 = "{second}" } }
infer = { mode = "loglikelihood" }
score = { evaluator = "acc" }
"#,
    ),
    (
        "sets/choices.toml",
        r#"
name = "choices"
source = { files = ["rows.jsonl"] }
reader = { input = ["first"], output = "gold" }
prompt = { text = "{first}?" }
infer = { mode = "clp" }
score = { evaluator = "auc_roc" }
"#,
    ),
    (
        "sets/near.toml",
        r#"
name = "near"
source = { files = ["rows.jsonl"], train_files = ["rows.jsonl"] }
reader = { input = ["first"], output = "key" }
few_shot = { retriever = "topk", count = 2 }
prompt = { ice_token = "</E>", labels = { 1 = "</E>{first}: 1", 2 = "</E>{first}: 2" } }
infer = { mode = "ppl" }
score = { evaluator = "acc" }
"#,
    ),
];

/// A bench with sets of all modes and a tiny model in the folder `weights`.
fn bench() -> Bench {
    let bench = Bench::new(ROWS);
    let row = |row: usize| {
        let text = |animal: &str| format!("On day {} the {animal} number {row} sleeps here", row * row % 7);
        json!({
            "first": text("fox"), "second": text("dog"), "cont": " sleeps here", "choices": ["no", "yes"],
            "gold": row % 2, "key": (row % 2 + 1).to_string(),
        })
    };
    bench.write("rows.jsonl", &(0..ROWS).map(|number| format!("{}\n", row(number))).collect::<String>());
    SETS.iter().for_each(|(path, text)| bench.write(path, text));
    tiny_model(&bench.path("weights"));
    bench
}

/// Runs all sets and returns the files of the run. `model` and `more` are settings as `key=value`.
fn run(bench: &Bench, model: &str, more: &[&str], batch: &str) -> BTreeMap<PathBuf, Vec<u8>> {
    let _ = fs::remove_dir_all(bench.path("out"));
    let retrieval = format!("retrieval={{ name = \"near\", weights = \"weights\", {model} }}");
    let sets = ["sums", "pick", "texts", "likely", "choices", "near"];
    let mut arguments = vec!["run.toml", "--batch-size", batch, "--max-out-len", "24", "--datasets"];
    arguments.extend(sets);
    let settings = ["model.weights=weights", "model.max-seq-len=200", &retrieval];
    settings.iter().chain(more).for_each(|setting| arguments.extend(["--set", *setting]));
    let output = bench.run(&arguments);
    assert_eq!(told(&output).0, Some(0), "{}", told(&output).1);
    bytes(&bench.path("out"))
}

fn local(bench: &Bench, batch: &str) -> BTreeMap<PathBuf, Vec<u8>> {
    run(bench, "kind = \"local\"", &["model.kind=local"], batch)
}

fn predictions(bench: &Bench, set: &str) -> Vec<Value> {
    let path = bench.path(&format!("out/predictions/mock/{set}.json"));
    let items: Value = serde_json::from_str(&fs::read_to_string(path).expect("reads")).expect("JSON");
    (0..ROWS).map(|row| items[row.to_string()].clone()).collect()
}

/// A number of a record.
fn number(record: &Value, path: &str) -> f64 {
    record.pointer(path).and_then(Value::as_f64).unwrap_or_else(|| panic!("{path} of {record}"))
}

/// Checks that all values are finite and that hardly any two are the same.
fn check_spread(mut values: Vec<f64>) {
    assert!(values.iter().all(|value| value.is_finite()), "{values:?}");
    let count = values.len();
    values.sort_by(f64::total_cmp);
    values.dedup();
    assert!(values.len() * 10 >= count * 9, "{} different values of {count}", values.len());
}

#[test]
fn every_mode_is_answered_and_no_batch_size_changes_a_byte() {
    let bench = bench();
    let alone = local(&bench, "1");
    for set in ["sums", "pick", "likely", "choices", "near"] {
        assert!(predictions(&bench, set).iter().all(|record| record["error"].is_null()), "{set}");
    }
    assert!(predictions(&bench, "sums").iter().any(|record| record["prediction"] != ""), "it says something");
    let labels = |set, names: [&str; 2], value: &str| -> Vec<f64> {
        let places = names.map(|name| format!("/label: {name}/{value}"));
        let records = predictions(&bench, set);
        records.iter().flat_map(|record| places.each_ref().map(|place| number(record, place))).collect()
    };
    for ppl in [labels("pick", ["A", "B"], "PPL"), labels("near", ["1", "2"], "PPL")] {
        assert!(ppl.iter().all(|ppl| *ppl > 0.0), "{ppl:?}");
        check_spread(ppl);
    }
    let likelihoods = labels("likely", ["1", "2"], "Loglikelihood");
    assert!(likelihoods.iter().all(|likelihood| *likelihood < 0.0), "{likelihoods:?}");
    check_spread(likelihoods);
    let choices = predictions(&bench, "choices");
    for record in &choices {
        let sum = number(record, "/prediction/0") + number(record, "/prediction/1");
        assert!((sum - 1.0).abs() < 1e-9, "{record}");
    }
    check_spread(choices.iter().map(|record| number(record, "/prediction/0")).collect());
    // The nearest example of a question is the question itself, as its vector is the same.
    for record in predictions(&bench, "near") {
        let examples = record["in-context examples"].as_str().expect("a text");
        let own = record.pointer("/label: 1/testing input").and_then(Value::as_str).expect("a text");
        let question = own.trim_end_matches(": 1");
        assert!(examples.starts_with(question), "{question}: {examples}");
        assert_eq!(examples.lines().filter(|line| !line.is_empty()).count(), 2, "{examples}");
    }
    for batch in ["1", "8"] {
        assert_eq!(local(&bench, batch), alone, "batch size {batch}");
    }
}

#[test]
fn the_server_on_the_same_weights_gives_the_same_bytes() {
    let bench = bench();
    let here = local(&bench, "8");
    let server = Served::start(&bench.path("weights"), ExecutorConfig::default());
    let url = format!("model.base-url={}", server.url);
    let model = format!("kind = \"api\", base-url = \"{}\", retries = 0", server.url);
    let settings = ["model.kind=api", "model.log-probs=true", "model.retries=0", &url];
    for batch in ["1", "8"] {
        assert_eq!(run(&bench, &model, &settings, batch), here, "{batch} requests at a time");
    }
    assert!(server.fed() > 0.0, "the server has answered");
}
