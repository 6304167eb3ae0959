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
