//! Evaluators against upstream's outputs.

use opencompass::dataset::{Dataset, DatasetConfig};
use opencompass::infer::Prediction;
use opencompass::score::score;
use serde_json::Value;

use crate::shared;

/// A dataset without rows that is scored by `evaluator`.
fn dataset(evaluator: &str) -> Dataset {
    let text = format!(
        "name = \"x\"\nsource = {{ files = [\"x\"] }}\nreader = {{ input = [\"q\"], output = \"a\" }}\n\
         prompt = {{ text = \"{{q}}\" }}\ninfer = {{ mode = \"gen\" }}\nscore = {{ evaluator = \"{evaluator}\" }}\n"
    );
    let config: DatasetConfig = internlm_kit::config::parse(&text, "x.toml").expect("a dataset file");
    Dataset { config, test: Vec::new(), train: Vec::new(), hashes: Default::default() }
}

#[test]
fn evaluators_equal_upstreams() {
    for (file, evaluator, metric) in [
        ("AccEvaluator", "acc", "accuracy"),
        ("AccwithDetailsEvaluator", "acc", "accuracy"),
        ("EMEvaluator", "em", "score"),
        ("Gsm8kEvaluator", "gsm8k", "accuracy"),
        ("LambadaEvaluator", "lambada", "accuracy"),
    ] {
        let Some(rows) = shared::lines(&format!("golden/opencompass/eval/{file}.jsonl")) else { return };
        assert_eq!(rows.len(), 40, "{file}");
        let dataset = dataset(evaluator);
        for row in &rows {
            check(row, &dataset, metric);
        }
    }
}

fn check(row: &Value, dataset: &Dataset, metric: &str) {
    let list = |name: &str| row["in"][name].as_array().expect("a list").iter();
    let predictions: Vec<Prediction> = list("predictions")
        .zip(list("references"))
        .map(|(text, gold)| Prediction {
            text: text.as_str().map(str::to_owned),
            gold: gold.clone(),
            ..Prediction::default()
        })
        .collect();
    let scores = score(dataset, &predictions);
    let expected = row["out"][metric].as_f64().expect("a number");
    let found = scores.metrics[metric];
    assert!((found - expected).abs() <= 1e-9 * expected.abs(), "{}: {found} {expected}", row["id"]);
    let verdicts = row["out"]["correct"].as_array().or(row["out"]["details"].as_array());
    if let Some(verdicts) = verdicts {
        let found: Vec<Option<bool>> = scores.details.iter().map(|detail| detail.correct).collect();
        let expected: Vec<Option<bool>> = verdicts.iter().map(Value::as_bool).collect();
        assert_eq!(found, expected, "{}", row["id"]);
    }
}

#[test]
fn the_number_evaluator_reads_the_last_number() {
    let mut dataset = dataset("number");
    dataset.config.score.post = vec![opencompass::dataset::PostConfig::Name("last_number".to_owned())];
    let cases = [
        ("12 + 30 is 42.", "42", true),
        ("The answer is -7", "-7", true),
        ("1,200", "1200", true),
        ("42 or 43", "42", false),
        ("no idea", "0", false),
        ("", "0", false),
    ];
    for (text, gold, correct) in cases {
        let prediction =
            Prediction { text: Some(text.to_owned()), gold: gold.into(), ..Prediction::default() };
        let scores = score(&dataset, &[prediction]);
        assert_eq!(scores.details[0].correct, Some(correct), "{text}");
    }
}
