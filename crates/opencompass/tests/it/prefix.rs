//! The options of a question share its beginning: counted in the tokens that the real engine computes.

use std::fs;

use lmdeploy::engine::ExecutorConfig;
use serde_json::{Value, json};

use crate::engine::{Served, tiny_model};
use crate::runs::{Bench, told};

const QUESTIONS: usize = 6;
const LABELS: [&str; 4] = ["A", "B", "C", "D"];
const SET: &str = r#"
name = "reading"
source = { files = ["reading.jsonl"] }
reader = { input = ["q", "A", "B", "C", "D"], output = "key" }
prompt = { labels = { A = "{q} {A}", B = "{q} {B}", C = "{q} {C}", D = "{q} {D}" } }
infer = { mode = "ppl" }
score = { evaluator = "acc" }
"#;

/// Questions of about 220 tokens each, with four short options.
fn write_questions(bench: &Bench) {
    let row = |row: usize| {
        let line = |line: usize| format!("Item {} of {row} cost {} cents. ", line * 3, row * 7 + line);
        let question = (0..8).map(line).collect::<String>() + "What was sold?";
        let key = LABELS[row % 4];
        json!({ "q": question, "A": "salt", "B": "tin", "C": "two nuts", "D": "maps", "key": key })
    };
    let rows: String = (0..QUESTIONS).map(|number| format!("{}\n", row(number))).collect();
    bench.write("reading.jsonl", &rows);
    bench.write("sets/reading.toml", SET);
}

/// Runs the set on a server and returns its predictions.
fn predictions(bench: &Bench, server: &Served, more: &[&str]) -> Value {
    let _ = fs::remove_dir_all(bench.path("out"));
    let url = format!("model.base-url={}", server.url);
    let settings =
        ["model.kind=api", "model.max-seq-len=512", "model.log-probs=true", "model.retries=0", &url];
    let mut arguments = vec!["run.toml", "--datasets", "reading"];
    settings.iter().for_each(|setting| arguments.extend(["--set", *setting]));
    arguments.extend(more);
    let output = bench.run(&arguments);
    assert_eq!(told(&output).0, Some(0), "{}", told(&output).1);
    let text = fs::read_to_string(bench.path("out/predictions/mock/reading.json")).expect("reads");
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn four_options_feed_less_than_a_third_of_their_tokens() {
    let bench = Bench::new(1);
    write_questions(&bench);
    let weights = bench.path("weights");
    tiny_model(&weights);
    // Without its tokenizer a model is asked whole prompts, and without a prefix cache it computes all of them.
    let plain = Served::start(&weights, ExecutorConfig::default().without_prefix_caching());
    let separate = predictions(&bench, &plain, &[]);
    let tokenizer = lmdeploy::testing::tokenizer();
    let entries = |predictions: &Value| -> Vec<Value> {
        let places = (0..QUESTIONS).flat_map(|row| LABELS.map(|label| (row, label)));
        let entry = |(row, label): (usize, &str)| {
            let name = format!("label: {label}");
            predictions[row.to_string()][name].clone()
        };
        places.map(entry).collect()
    };
    let length = |entry: &Value| tokenizer.encode_prompt(entry["prompt"].as_str().expect("a text")).len();
    let whole: usize = entries(&separate).iter().map(length).sum();
    assert_eq!(plain.fed(), whole as f64, "the counter of the engine is exact");

    let sharing = Served::start(&weights, ExecutorConfig::default());
    let shared = predictions(&bench, &sharing, &["--set", "model.weights=weights"]);
    assert!(sharing.fed() <= 0.3 * whole as f64, "{} of {whole} tokens", sharing.fed());
    for (found, expected) in entries(&shared).iter().zip(entries(&separate)) {
        assert_eq!(found["prompt"], expected["prompt"]);
        let ppl = |entry: &Value| entry["PPL"].as_f64().expect("a number");
        let difference = (ppl(found) - ppl(&expected)).abs();
        assert!(difference <= 1e-5, "{difference}: {}", found["prompt"]);
    }
    for row in 0..QUESTIONS {
        let row = row.to_string();
        assert_eq!(shared[&row]["prediction"], separate[&row]["prediction"], "{row}");
    }
}

const SHOTS: &str = r#"
name = "reading"
source = { files = ["reading.jsonl"], train_files = ["shots.jsonl"] }
reader = { input = ["q", "A", "B", "C", "D"], output = "key" }
few_shot = { retriever = "fixk", ids = [0, 1] }
infer = { mode = "ppl" }
score = { evaluator = "acc" }
[prompt]
ice_token = "</E>"
labels = { A = "</E>{q} A", B = "</E>{q} B", C = "</E>{q} C", D = "</E>{q} D" }
ice.labels = { A = "{q} A\n", B = "{q} B\n", C = "{q} C\n", D = "{q} D\n" }
"#;

#[test]
fn the_same_examples_are_fed_once() {
    let bench = Bench::new(1);
    let row = |q: String, key: &str| json!({ "q": q, "A": "a", "B": "b", "C": "c", "D": "d", "key": key });
    let lines = |rows: Vec<Value>| rows.iter().map(|row| format!("{row}\n")).collect::<String>();
    let shot = |number: usize| row(format!("Example {number}: {}", "salt and tin. ".repeat(6)), "B");
    bench.write("shots.jsonl", &lines((0..2).map(shot).collect()));
    bench
        .write("reading.jsonl", &lines((0..QUESTIONS).map(|n| row(format!("Question {n}?"), "C")).collect()));
    bench.write("sets/reading.toml", SHOTS);
    let weights = bench.path("weights");
    tiny_model(&weights);
    let plain = Served::start(&weights, ExecutorConfig::default().without_prefix_caching());
    let separate = predictions(&bench, &plain, &[]);
    let sharing = Served::start(&weights, ExecutorConfig::default());
    let shared = predictions(&bench, &sharing, &["--set", "model.weights=weights"]);
    assert!(sharing.fed() <= 0.12 * plain.fed(), "{} of {} tokens", sharing.fed(), plain.fed());
    for row in 0..QUESTIONS {
        let (found, expected) = (&shared[row.to_string()], &separate[row.to_string()]);
        assert_eq!(found["prediction"], expected["prediction"], "{row}");
        for label in LABELS {
            let ppl = |item: &Value| item[format!("label: {label}")]["PPL"].as_f64().expect("a number");
            assert!((ppl(found) - ppl(expected)).abs() <= 1e-5, "{row} {label}");
        }
    }
}
