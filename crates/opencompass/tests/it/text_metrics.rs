//! Text metrics against upstream's outputs.

use opencompass::dataset::{Dataset, DatasetConfig};
use opencompass::infer::Prediction;
use opencompass::score::{Scored, Scorer, Scores};
use serde_json::{Value, json};

use crate::shared;

/// A dataset without rows that is scored by `evaluator`, given as TOML; the error is what is wrong with the evaluator.
pub(crate) fn dataset(evaluator: &str) -> Result<Dataset, String> {
    let text = format!(
        "name = \"x\"\nsource = {{ files = [\"x\"] }}\nreader = {{ input = [\"q\"], output = \"a\" }}\n\
         prompt = {{ text = \"{{q}}\" }}\ninfer = {{ mode = \"gen\" }}\nscore = {{ evaluator = {evaluator} }}\n"
    );
    let config = DatasetConfig::parse(&text, "x.toml").map_err(|error| error.to_string())?;
    let dataset = Dataset::without_rows(config);
    match Scorer::new(&dataset).map(drop) {
        Ok(()) => Ok(dataset),
        Err(error) => Err(error.to_string()),
    }
}

/// Scores texts against golds in both readings; `None` is a failed request.
pub(crate) fn both(evaluator: &str, items: &[(Option<&str>, Value)]) -> Scored {
    let dataset = dataset(evaluator).expect("an evaluator of ours");
    let predictions: Vec<Prediction> = items
        .iter()
        .map(|(text, gold)| Prediction {
            text: text.map(str::to_owned),
            gold: gold.clone(),
            error: text.is_none().then(|| "status 500".to_owned()),
            ..Prediction::default()
        })
        .collect();
    Scorer::new(&dataset).expect("a scorer").score(&predictions, &|_| None)
}

/// Scores texts against golds.
pub(crate) fn scored(evaluator: &str, items: &[(Option<&str>, Value)]) -> Scores {
    both(evaluator, items).scores
}

/// Compares an evaluator with all rows of a golden file: every number of the output is a metric, `items` are the scores
/// of the items and `details` or `correct` their verdicts. Returns false if the shared folder is absent.
pub(crate) fn equals_golden(file: &str, evaluator: &str) -> bool {
    let Some(rows) = shared::lines(&format!("golden/opencompass/eval/{file}.jsonl")) else { return false };
    assert_eq!(rows.len(), 40, "{file}");
    let dataset = dataset(evaluator).expect("an evaluator of ours");
    for row in &rows {
        let list = |name: &str| row["in"][name].as_array().cloned().unwrap_or_default();
        let golds = [list("references"), list("gold")].concat();
        let predictions: Vec<Prediction> = list("predictions")
            .into_iter()
            .zip(golds)
            .map(|(text, gold)| Prediction {
                text: text.as_str().map(str::to_owned),
                gold,
                ..Prediction::default()
            })
            .collect();
        let scores = Scorer::new(&dataset).expect("a scorer").score(&predictions, &|_| None).scores;
        check(row, &scores);
    }
    true
}

fn close(found: f64, expected: f64) -> bool {
    (found - expected).abs() <= 1e-9 * expected.abs().max(1e-3)
}

fn check(row: &Value, scores: &Scores) {
    let id = &row["id"];
    for (name, expected) in row["out"].as_object().expect("an object") {
        match (name.as_str(), expected) {
            (_, Value::Number(expected)) => {
                let (found, expected) = (scores.metrics[name], expected.as_f64().expect("a number"));
                assert!(close(found, expected), "{id} {name}: {found} {expected}");
            }
            ("items", Value::Array(items)) => {
                for (detail, expected) in scores.details.iter().zip(items) {
                    let found = 100.0 * detail.score.expect("a score");
                    assert!(close(found, expected.as_f64().expect("a number")), "{id}: {found} {expected}");
                }
            }
            ("details" | "correct", Value::Array(items)) => {
                let expected = items.iter().map(|item| item.as_bool().or(item["correct"].as_bool()));
                let found = scores.details.iter().map(|detail| detail.correct);
                assert!(found.eq(expected), "{id} {name}");
            }
            (name, Value::Array(numbers)) => {
                let found = scores.extra[name].as_array().expect("a list");
                let equal = found.iter().zip(numbers).all(|(found, expected)| {
                    close(found.as_f64().expect("a number"), expected.as_f64().expect("a number"))
                });
                assert!(equal && found.len() == numbers.len(), "{id} {name}: {found:?} {numbers:?}");
            }
            (name, other) => panic!("{id} {name}: {other}"),
        }
    }
}

#[test]
fn text_metrics_equal_upstreams() {
    for (file, evaluator) in [
        ("RougeEvaluator", "\"rouge\""),
        ("JiebaRougeEvaluator", "\"jieba_rouge\""),
        ("BleuEvaluator", "\"bleu\""),
        ("NQEvaluator", "\"nq\""),
        ("TriviaQAEvaluator", "\"triviaqa\""),
        ("EDAccEvaluator", "\"edacc\""),
    ] {
        if !equals_golden(file, evaluator) {
            return;
        }
    }
}

#[test]
fn rouge_is_the_median_of_resampled_means_or_the_mean() {
    let items =
        [(Some("a b c d"), json!("a b c d")), (Some("a b x y"), json!("a b c d")), (Some("x"), json!("y"))];
    let found = both("\"rouge\"", &items);
    // Both readings agree on these items, and then there is only one.
    let fixed = found.other.as_ref().unwrap_or(&found.scores);
    let names: Vec<&str> = fixed.metrics.keys().map(String::as_str).collect();
    assert_eq!(names, ["rouge1", "rouge2", "rougeL", "rougeLsum"]);
    assert!((fixed.metrics["rouge1"] - 50.0).abs() < 1e-9);
    assert!((found.scores.metrics["rouge1"] - 50.0).abs() < 1e-9, "{}", found.scores.metrics["rouge1"]);
    assert_eq!(found.scores.details[1].extra["rouge2"], json!(1.0 / 3.0));
}

#[test]
fn bleu_names_the_tokenizers_that_it_lacks() {
    for evaluator in ["\"bleu_flores\"", "{ name = \"bleu\", tokenize = \"ja-mecab\" }"] {
        let error = dataset(evaluator).expect_err("a tokenizer that needs a model");
        assert!(error.contains("tokenize") && error.contains("`13a`"), "{error}");
    }
    let chinese =
        scored("{ name = \"bleu\", tokenize = \"zh\" }", &[(Some("今天天气很好"), json!("今天天气很好"))]);
    assert!((chinese.metrics["score"] - 100.0).abs() < 1e-9);
    let empty = scored("\"bleu\"", &[(Some(""), json!("a b"))]);
    assert_eq!((empty.metrics["score"], empty.metrics["bp"]), (0.0, 0.0));
}

#[test]
fn short_answers_are_compared_as_upstream_does() {
    let list = |texts: &[&str]| json!(texts);
    for (evaluator, answer, gold, right) in [
        ("nq", "I think the answer is Paris, France", list(&["Paris"]), true),
        ("nq", "Paris\nor Rome", list(&["Rome"]), false),
        ("triviaqa", "Q: x A: the answer: Rome.", list(&["rome"]), true),
        ("nq_cn", "答案是：北京", list(&["北京"]), true),
        ("squad20", "The answer is a Cat!", list(&["cat"]), true),
        ("squad20", "two cats", list(&["cat"]), false),
        ("drop", "so\nAnswer: 12 yards", json!("12|twelve"), true),
        ("drop", "Answer: the", json!("12"), false),
        ("openfindata_keywords", "上涨了，利好", json!("上涨、利好"), true),
        ("openfindata_keywords", "上涨了", json!("上涨、利好"), false),
        ("contained", "It is a CAT.", json!("cat"), true),
        ("leval_em", "the answer is 42", json!("42"), true),
    ] {
        let scores = scored(&format!("\"{evaluator}\""), &[(Some(answer), gold.clone()), (None, gold)]);
        assert_eq!(scores.details[0].correct, Some(right), "{evaluator} {answer}");
        assert_eq!(scores.details[1].correct, Some(false), "{evaluator}: a failed request is wrong");
    }
}

#[test]
fn an_empty_reference_is_in_every_answer_only_for_upstream() {
    let found = both("\"nq\"", &[(Some("Paris"), json!(["..."]))]);
    assert_eq!(found.scores.metrics["score"], 100.0);
    assert_eq!(found.other.expect("another reading").metrics["score"], 0.0);
}

#[test]
fn f1_counts_shared_words() {
    let squad = scored("\"squad_f1\"", &[(Some("the red cat\nno"), json!("a cat"))]);
    assert!((squad.metrics["f1"] - 200.0 / 3.0).abs() < 1e-9);
    let tydiqa = scored(
        "\"tydiqa\"",
        &[(Some("Red cat"), json!(["red cat", "dog"])), (Some("red"), json!(["red cat"]))],
    );
    assert_eq!(tydiqa.metrics["exact_match"], 50.0);
    assert!((tydiqa.metrics["f1"] - (100.0 + 200.0 / 3.0) / 2.0).abs() < 1e-9);
    let letters = scored("\"letter_sets\"", &[(Some("A,B"), json!("A,C")), (Some("D"), json!("D"))]);
    assert!((letters.metrics["F1Score"] - 200.0 / 3.0).abs() < 1e-9);
}

#[test]
fn probabilities_give_an_area_and_an_accuracy() {
    let dataset = dataset("\"auc_roc\"").expect("an evaluator of ours");
    let item = |probabilities: Value, gold: u8| Prediction {
        value: Some(probabilities),
        gold: json!(gold),
        ..Prediction::default()
    };
    let predictions = [
        item(json!([0.9, 0.1]), 0),
        item(json!([0.6, 0.4]), 1),
        item(json!([0.6, 0.4]), 0),
        item(json!([0.2, 0.8]), 1),
    ];
    let scores = Scorer::new(&dataset).expect("a scorer").score(&predictions, &|_| None).scores;
    let metrics: Vec<(&str, f64)> =
        scores.metrics.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    assert_eq!(metrics, [("auc_score", 87.5), ("accuracy", 75.0)]);
}

#[test]
fn correlation_is_in_percent() {
    let items: Vec<(Option<&str>, Value)> = [("a", "a"), ("b", "b"), ("a", "b"), ("b", "b")]
        .map(|(pred, gold)| (Some(pred), json!(gold)))
        .to_vec();
    let found = scored("\"mcc\"", &items).metrics["matthews_correlation"];
    assert!((found - 57.735_026_918_962_58).abs() < 1e-9, "{found}");
}

#[test]
fn truth_is_nearer_to_true_references() {
    let gold = json!({"answers": {
        "correct_answers": ["Nothing happens"],
        "incorrect_answers": ["You will have bad luck"],
    }});
    let items = [
        (Some("Nothing happens"), gold.clone()),
        (Some("You will have bad luck"), gold.clone()),
        (Some("I have no comment."), gold.clone()),
        (Some(" "), gold),
    ];
    for metric in ["rouge", "bleu"] {
        let scores = scored(&format!("{{ name = \"truthfulqa\", metrics = \"{metric}\" }}"), &items);
        let verdicts: Vec<Option<bool>> = scores.details.iter().map(|detail| detail.correct).collect();
        assert_eq!(verdicts[1..], [Some(false), Some(true), Some(false)], "{metric}");
        assert_eq!(scores.metrics.keys().next(), Some(&format!("{metric}_max")));
    }
    let rouge = scored("{ name = \"truthfulqa\", metrics = \"rouge\" }", &items);
    assert_eq!(rouge.metrics["rouge_acc"], 0.6667, "an answer without text does not count");
    let error = dataset("{ name = \"truthfulqa\", metrics = \"bleurt\" }").expect_err("a model");
    assert!(error.contains("truthfulqa.metrics") && error.contains("`bleurt`"), "{error}");
}

#[test]
fn options_are_meant_by_letter() {
    let evaluator = "{ name = \"option_similarity\", options = [\"A\", \"B\"] }";
    let items = [(Some("B"), json!("B")), (Some("The answer is A."), json!("A")), (None, json!("A"))];
    let scores = scored(evaluator, &items);
    assert!((scores.metrics["accuracy"] - 200.0 / 3.0).abs() < 1e-9);
    assert_eq!(scores.details[1].extra["parsed"], "A");
    let error = dataset("{ name = \"option_similarity\", options = [\"a\"] }").expect_err("a small letter");
    assert!(error.contains("option_similarity.options"), "{error}");
}

#[test]
fn groups_have_accuracies_of_their_own() {
    let items =
        [(Some("x"), json!("a")), (Some("b"), json!("b")), (Some("a"), json!("a")), (Some("b"), json!("b"))];
    let scores = scored("\"acc_drop\"", &items);
    let metrics: Vec<(&str, f64)> =
        scores.metrics.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    assert_eq!(metrics, [("acc_drop", 0.5), ("acc_after", 50.0), ("acc_before", 100.0)]);
    assert!(
        scored("\"acc_contamination\"", &items).metrics.is_empty(),
        "rows without the column are in no class"
    );
}

#[test]
fn tagged_numbers_are_compared_by_distance() {
    let items = [
        (Some("<NUMBER> 1.5 </NUMBER>"), json!("<NUMBER> 2 </NUMBER>")),
        (Some("none"), json!("<NUMBER> 1 </NUMBER>")),
    ];
    assert_eq!(scored("\"tagged_number\"", &items).metrics["score"], 0.75);
    let last = [(Some(r"\boxed{1} \boxed{-3}"), json!("-2.5"))];
    assert_eq!(scored("\"last_tagged_number\"", &last).metrics["score"], 0.5);
}

#[test]
fn measured_texts_are_averaged() {
    let mean = |evaluator: &str, values: &[Value]| {
        let dataset = dataset(&format!("\"{evaluator}\"")).expect("an evaluator of ours");
        let predictions: Vec<Prediction> = values
            .iter()
            .map(|value| Prediction { value: Some(value.clone()), ..Prediction::default() })
            .collect();
        let scores = Scorer::new(&dataset).expect("a scorer").score(&predictions, &|_| None).scores;
        scores.metrics.values().next().copied().expect("a metric")
    };
    assert_eq!(mean("average_ppl", &[json!(2.0), json!({"ppl": 4.0})]), 3.0);
    assert_eq!(mean("average_mink", &[json!(-1.0), json!(-2.0)]), -1.5);
    let tokens = [json!({"ppl": 6.0, "token_len": 2}), json!({"ppl": 6.0, "token_len": 4})];
    assert_eq!(mean("average_inference_ppl", &tokens), 2.0);
    let characters = json!({"loss": 8.0 * std::f64::consts::LN_2, "total_chr_num": 4});
    assert!((mean("bpc", &[characters]) - 2.0).abs() < 1e-12);
}
