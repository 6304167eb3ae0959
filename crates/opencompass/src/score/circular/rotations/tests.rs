//! The metrics against upstream's, and a planted preference for a letter.

use serde_json::{Map, Value, json};

use super::*;
use crate::infer::Prediction;

/// Scores predictions of rows that have `qid` and `circular_pattern`.
fn score(
    pattern: Pattern,
    predictions: &[Value],
    references: &[Value],
    rows: &[Map<String, Value>],
) -> Scores {
    let predicted: Vec<Prediction> = predictions.iter().map(|_| Prediction::default()).collect();
    let items: Vec<ScoredItem<'_>> = predicted
        .iter()
        .enumerate()
        .map(|(place, prediction)| ScoredItem {
            pred: predictions[place].clone(),
            answer: references[place].clone(),
            prediction,
            columns: &rows[place],
            evidence: Vec::new(),
        })
        .collect();
    Circular { pattern }.evaluate(&items)
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

#[test]
fn metrics_equal_upstreams() {
    let file = "golden/opencompass/eval/CircularEvaluator.jsonl";
    let Some(path) = internlm_kit::testing::shared_data(file) else { return };
    let text = std::fs::read_to_string(path).expect("a readable file");
    for line in text.lines() {
        let row: Value = serde_json::from_str(line).expect("a JSON object");
        let input = &row["in"];
        let rows: Vec<Map<String, Value>> =
            list(&input["test_set"]).iter().filter_map(|row| row.as_object().cloned()).collect();
        let expected = row["out"].as_object().expect("metrics");
        let all = expected.contains_key("acc_all_possible");
        let pattern = if all { Pattern::AllPossible } else { Pattern::Circular };
        let scores = score(pattern, &list(&input["predictions"]), &list(&input["references"]), &rows);
        let found: Vec<&String> = scores.metrics.keys().collect();
        assert_eq!(found, expected.keys().collect::<Vec<_>>(), "{}", row["id"]);
        for (name, value) in &scores.metrics {
            let expected = expected[name].as_f64().expect("a number");
            assert!((value - expected).abs() < 1e-9, "{} {name}: {value} {expected}", row["id"]);
        }
    }
}

#[test]
fn a_planted_preference_for_a_letter_is_reported() {
    let keys = ["textA", "textB", "textC"];
    let (mut rows, mut answers, mut right) = (Vec::new(), Vec::new(), Vec::new());
    for question in 0..4 {
        for shift in 0..3 {
            let pattern: Vec<&str> = (0..3).map(|place| keys[(place + shift) % 3]).collect();
            rows.push(Map::from_iter([
                ("qid".to_owned(), json!(question)),
                ("circular_pattern".to_owned(), json!(pattern)),
            ]));
            // The first option is right, so its letter wanders with the rotation.
            right.push(json!(["A", "B", "C"][shift]));
            answers.push(json!("B"));
        }
    }
    let scores = score(Pattern::Circular, &answers, &right, &rows);
    assert_eq!(scores.extra["prior"]["B"], json!(100.0));
    assert_eq!(scores.extra["letter_bias"]["letter"], "B");
    let points = scores.extra["letter_bias"]["points"].as_f64().expect("a number");
    assert!((points - 200.0 / 3.0).abs() < 1e-9);
    assert!((scores.metrics["acc_circular"] - 100.0 / 3.0).abs() < 1e-9);
    assert_eq!([scores.metrics["perf_circular"], scores.metrics["more_1_circular"]], [0.0, 100.0]);
}

#[test]
fn the_vote_maps_letters_back_to_options() {
    let keys = ["A", "B"];
    let rows: Vec<Map<String, Value>> = [["A", "B"], ["B", "A"]]
        .iter()
        .map(|pattern| {
            Map::from_iter([("qid".to_owned(), json!(7)), ("circular_pattern".to_owned(), json!(pattern))])
        })
        .collect();
    let right = [json!(keys[1]), json!(keys[0])];
    let scores = score(Pattern::Circular, &right, &right, &rows);
    assert_eq!(scores.extra["vote_circular"], json!(100.0));
    let scores = score(Pattern::Circular, &[json!("B"), json!("B")], &right, &rows);
    assert_eq!(scores.extra["vote_circular"], json!(100.0), "the first vote wins a tie");
    let scores = score(Pattern::Circular, &[json!("?"), json!("B")], &right, &rows);
    assert_eq!((&scores.extra["vote_circular"], &scores.extra["prior"]["-"]), (&json!(0.0), &json!(50.0)));
}

#[test]
fn a_row_without_its_order_says_so() {
    let scores = score(Pattern::Circular, &[json!("A")], &[json!("A")], &[Map::new()]);
    assert!(scores.metrics.is_empty() && scores.extra.is_empty());
    assert!(scores.details[0].reason.is_some());
}
