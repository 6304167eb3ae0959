//! Evaluators against upstream's outputs.

use opencompass::dataset::{Dataset, DatasetConfig, Named};
use opencompass::infer::Prediction;
use opencompass::score::{Scorer, Scores};
use serde_json::Value;

use crate::shared;

/// A dataset without rows that is scored by `evaluator`.
fn dataset(evaluator: &str) -> Dataset {
    let text = format!(
        "name = \"x\"\nsource = {{ files = [\"x\"] }}\nreader = {{ input = [\"q\"], output = \"a\" }}\n\
         prompt = {{ text = \"{{q}}\" }}\ninfer = {{ mode = \"gen\" }}\nscore = {{ evaluator = \"{evaluator}\" }}\n"
    );
    Dataset::without_rows(DatasetConfig::parse(&text, "x.toml").expect("a dataset file"))
}

fn score(dataset: &Dataset, predictions: &[Prediction]) -> Scores {
    Scorer::new(dataset).expect("an evaluator of ours").score(predictions, &|_| None).scores
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
    dataset.config.score.post = vec![Named::new("last_number")];
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

/// Scores texts against golds; `None` is a failed request.
fn scored(evaluator: &str, post: &[&str], items: &[(Option<&str>, Value)]) -> Scores {
    let mut dataset = dataset(evaluator);
    dataset.config.score.post = post.iter().map(|name| Named::new(*name)).collect();
    let predictions: Vec<Prediction> = items
        .iter()
        .map(|(text, gold)| Prediction {
            text: text.map(str::to_owned),
            gold: gold.clone(),
            error: text.is_none().then(|| "status 500".to_owned()),
            ..Prediction::default()
        })
        .collect();
    score(&dataset, &predictions)
}

#[test]
fn failed_items_count_as_wrong_and_keep_their_error() {
    let items =
        [(Some("a"), "a".into()), (None, "b".into()), (Some("c"), "b".into()), (Some("b"), "b".into())];
    let scores = scored("acc", &[], &items);
    assert_eq!((scores.metrics["accuracy"], scores.answered, scores.correct), (50.0, 3, Some(2)));
    assert_eq!(scores.details[1].reason.as_deref(), Some("status 500"));
    let verdicts: Vec<_> = scores.details.iter().map(|detail| detail.correct).collect();
    assert_eq!(verdicts, [Some(true), Some(false), Some(false), Some(true)]);
    assert!(scored("acc", &[], &[]).metrics.is_empty(), "no items, no accuracy");
}

#[test]
fn exact_match_accepts_any_reference_in_normal_form() {
    let gold = serde_json::json!(["The Beatles", "Beatles!"]);
    let items = [
        (Some("the beatles. And more"), gold.clone()),
        (Some("Beatles"), gold.clone()),
        (Some("Stones"), gold.clone()),
        (Some("beatles, the"), "beatles".into()),
        (Some("7"), 7.into()),
    ];
    let scores = scored("em", &[], &items);
    let verdicts: Vec<_> = scores.details.iter().map(|detail| detail.correct == Some(true)).collect();
    assert_eq!(verdicts, [false, true, false, true, true]);
    assert_eq!(scores.metrics["score"], 60.0);
}

#[test]
fn post_processors_run_in_their_order() {
    let items =
        [(Some("<think>B or C</think> It is (A)."), "A".into()), (Some("</think>B, I think"), "B".into())];
    let scores = scored("acc", &["extract-non-reasoning-content", "last-capital"], &items);
    let found: Vec<_> = scores.details.iter().map(|detail| detail.pred.clone()).collect();
    assert_eq!(found, ["A", "I"]);
    assert_eq!(scores.metrics["accuracy"], 50.0);
    let first = scored("acc", &["extract-non-reasoning-content", "first-capital-multi"], &items);
    assert_eq!(first.metrics["accuracy"], 100.0);
}
