//! Measures how many pairs of Chinese texts a second `jieba_rouge` scores.
//!
//! `cargo run --release -p opencompass --example jieba_rouge_speed -- PAIRS.jsonl [ROUNDS]`, where each line has the fields
//! `prediction` and `reference`. `benches/peers/jieba_rouge.py` measures the Python packages on the same file.

#![allow(clippy::print_stdout)] // An example shows what it does.

use std::time::Instant;

use opencompass::dataset::{Dataset, DatasetConfig};
use opencompass::infer::Prediction;
use opencompass::score::Scorer;
use serde_json::Value;

/// A dataset of which only the evaluator is used.
const DATASET: &str = r#"
name = "summaries"
source = { files = ["none"] }
reader = { input = ["text"], output = "summary" }
prompt = { text = "{text}" }
infer = { mode = "gen" }
score = { evaluator = "jieba_rouge" }
"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("expected the path of a JSON-lines file")?;
    let rounds: u32 = arguments.next().map_or(Ok(5), |rounds| rounds.parse())?;
    let mut predictions = Vec::new();
    for line in std::fs::read_to_string(path)?.lines() {
        let row: Value = serde_json::from_str(line)?;
        let text = row["prediction"].as_str().map(str::to_owned);
        predictions.push(Prediction { text, gold: row["reference"].clone(), ..Prediction::default() });
    }
    let dataset = Dataset::without_rows(DatasetConfig::parse(DATASET, "summaries.toml")?);
    let scorer = Scorer::new(&dataset)?;
    // The first round also loads the dictionary.
    let metrics = scorer.score(&predictions, &|_| None).scores.metrics;
    let start = Instant::now();
    for _ in 0..rounds {
        std::hint::black_box(scorer.score(&predictions, &|_| None));
    }
    let pairs = f64::from(rounds) * predictions.len() as f64;
    println!("{metrics:?}");
    println!("{:.0} pairs/s", pairs / start.elapsed().as_secs_f64());
    Ok(())
}
