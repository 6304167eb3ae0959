//! Circular evaluation in its older form, whose references are `question--letter--ABCD`.

use opencompass::dataset::{Dataset, DatasetConfig};
use opencompass::infer::Prediction;
use opencompass::score::{Scorer, Scores};
use serde_json::{Value, json};

use crate::shared;

fn score(items: &[(Value, Value)]) -> Scores {
    let text = r#"
        name = "x"
        source = { files = ["x"] }
        reader = { input = ["q"], output = "a" }
        prompt = { text = "{q}" }
        infer = { mode = "gen" }
        score = { evaluator = "circular_icl" }
    "#;
    let dataset = Dataset::without_rows(DatasetConfig::parse(text, "x.toml").expect("a dataset file"));
    let prediction = |(pred, gold): &(Value, Value)| Prediction {
        text: pred.as_str().map(str::to_owned),
        gold: gold.clone(),
        ..Prediction::default()
    };
    let predictions: Vec<Prediction> = items.iter().map(prediction).collect();
    Scorer::new(&dataset).expect("an evaluator of ours").score(&predictions, &|_| None).scores
}

#[test]
fn the_older_form_equals_upstreams() {
    let Some(rows) = shared::lines("golden/opencompass/eval/CircularEvaluator_icl.jsonl") else { return };
    assert_eq!(rows.len(), 40);
    for row in &rows {
        let list = |name: &str| row["in"][name].as_array().cloned().expect("a list");
        let items: Vec<(Value, Value)> = list("predictions").into_iter().zip(list("references")).collect();
        let scores = score(&items);
        let expected = row["out"].as_object().expect("metrics");
        let names: Vec<&String> = scores.metrics.keys().collect();
        assert_eq!(names, expected.keys().collect::<Vec<_>>(), "{}", row["id"]);
        for (name, value) in &scores.metrics {
            let expected = expected[name].as_f64().expect("a number");
            assert!((value - expected).abs() < 1e-9, "{} {name}: {value} {expected}", row["id"]);
        }
    }
}

#[test]
fn any_number_of_options_is_scored() {
    let items = [("A", "0--A--AB"), ("B", "0--B--BA"), ("A", "1--B--AB"), ("A", "1--A--BA")];
    let items: Vec<(Value, Value)> = items.iter().map(|(pred, gold)| (json!(pred), json!(gold))).collect();
    let scores = score(&items);
    assert_eq!((scores.metrics["acc_2"], scores.metrics["perf_2"]), (75.0, 50.0));
    assert_eq!((scores.metrics["prior_A"], scores.metrics["prior_B"]), (75.0, 25.0));
    let wrong = score(&[(json!("A"), json!("A"))]);
    assert!(wrong.metrics.is_empty() && wrong.details[0].reason.is_some());
}
