//! Measures the mathematical equality on one thread: pairs per second, and the longest time of one pair.
//!
//! ```text
//! cargo bench -p opencompass --bench math -- [--pairs FILE.jsonl] [--runs 5]
//! ```
//!
//! The pairs are the fields `gold` and `pred` of the lines of a JSON-lines file; without one, the pairs of the tests.
#![allow(clippy::print_stdout, missing_docs)]

use std::collections::HashMap;
use std::fs;
use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use opencompass::dataset::{Dataset, DatasetConfig};
use opencompass::infer::Prediction;
use opencompass::score::Scorer;
use serde_json::Value;

/// A dataset without rows.
const DATASET: &str = r#"
name = "pairs"
source = { files = ["pairs"] }
reader = { input = ["q"], output = "a" }
prompt = { text = "{q}" }
infer = { mode = "gen" }
score = { evaluator = "math_equiv" }
"#;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let (pairs, rest) = arguments.as_chunks::<2>();
    ensure!(rest.is_empty(), "expected pairs of --name value, found {rest:?} at the end");
    let options: HashMap<&str, &str> =
        pairs.iter().map(|[key, value]| (key.as_str(), value.as_str())).collect();
    let runs: u32 = options.get("--runs").map_or(Ok(5), |runs| runs.parse())?;
    let text = match options.get("--pairs") {
        Some(path) => fs::read_to_string(path).with_context(|| (*path).to_owned())?,
        None => include_str!("../tests/golden/math_pairs.jsonl").to_owned(),
    };
    let predictions = text.lines().map(prediction).collect::<anyhow::Result<Vec<_>>>()?;
    let mut dataset = Dataset::without_rows(DatasetConfig::parse(DATASET, "pairs.toml")?);
    for evaluator in ["math_equiv", "math_verify", "math"] {
        dataset.config.score.evaluator = opencompass::dataset::Named::new(evaluator);
        let scorer = Scorer::new(&dataset)?;
        let judge = |predictions: &[Prediction]| {
            let start = Instant::now();
            black_box(scorer.score(black_box(predictions), &|_| None));
            start.elapsed()
        };
        judge(&predictions);
        let best = (0..runs).map(|_| judge(&predictions)).min().unwrap_or_default();
        let longest = predictions.chunks(1).map(judge).max().unwrap_or(Duration::ZERO);
        let rate = predictions.len() as f64 / best.as_secs_f64();
        println!("{evaluator}: {rate:.0} pairs/s, longest pair {:.2} ms", longest.as_secs_f64() * 1e3);
    }
    Ok(())
}

fn prediction(line: &str) -> anyhow::Result<Prediction> {
    let row: Value = serde_json::from_str(line)?;
    let row = row.get("in").unwrap_or(&row);
    let text = row["pred"].as_str().with_context(|| format!("pred: {line}"))?;
    Ok(Prediction { text: Some(text.to_owned()), gold: row["gold"].clone(), ..Prediction::default() })
}
