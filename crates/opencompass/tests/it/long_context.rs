//! Metrics of long texts against upstream's outputs.

use serde_json::{Value, json};

use crate::text_metrics::{dataset, equals_golden, scored};

#[test]
fn metrics_of_long_texts_equal_upstreams() {
    for (file, evaluator) in [
        ("LongBenchF1Evaluator_en", "\"longbench_f1\""),
        ("LongBenchF1Evaluator_zh", "{ name = \"longbench_f1\", language = \"zh\" }"),
        ("LongBenchRougeEvaluator_en", "\"longbench_rouge\""),
        ("LongBenchRougeEvaluator_zh", "{ name = \"longbench_rouge\", language = \"zh\" }"),
        ("LongBenchCountEvaluator", "\"longbench_count\""),
        ("LongBenchRetrievalEvaluator_en", "\"longbench_retrieval\""),
        ("LongBenchRetrievalEvaluator_zh", "{ name = \"longbench_retrieval\", language = \"zh\" }"),
        ("LongBenchCodeSimEvaluator", "\"longbench_code_sim\""),
        ("LongBenchClassificationEvaluator", "\"longbench_classification\""),
        ("LVEvalF1Evaluator_en", "\"lveval_f1\""),
        ("LVEvalF1Evaluator_zh", "{ name = \"lveval_f1\", language = \"zh\" }"),
        ("LEvalEMEvaluator", "\"leval_em\""),
        ("InfiniteBenchendiaEvaluator", "\"infinitebench_dialogue\""),
        ("InfiniteBenchretrievekvEvaluator", "\"infinitebench_key_value\""),
        ("InfiniteBenchmathcalcEvaluator", "\"infinitebench_calculation\""),
        ("RulerNiahEvaluator", "\"ruler\""),
        ("RulerQaEvaluator", "\"ruler_qa\""),
    ] {
        if !equals_golden(file, evaluator) {
            return;
        }
    }
}

/// The headline of one answer.
fn score(evaluator: &str, answer: &str, gold: Value) -> f64 {
    scored(evaluator, &[(Some(answer), gold)]).metrics.values().next().copied().expect("a metric")
}

#[test]
fn an_answer_needs_enough_keywords() {
    let evaluator = "\"lveval_keyword_f1\"";
    let gold = json!(["he met Anna Smith in Paris", "Anna Smith"]);
    assert!(score(evaluator, "Anna Smith", gold.clone()) > 0.0);
    assert_eq!(score(evaluator, "he met in Paris", gold), 0.0);
    assert!(
        score("{ name = \"lveval_rouge\", language = \"en\" }", "the red cat", json!(["red cat"])) > 99.9
    );
}

#[test]
fn messages_need_their_prefix() {
    let gold = json!("{\"answer\": \"k9x A poem about cats\", \"prefix\": \"k9x\"}");
    assert_eq!(score("\"mrcr\"", "k9x A poem about cats", gold.clone()), 100.0);
    assert_eq!(score("\"mrcr\"", "A poem about cats", gold.clone()), 0.0);
    let part = score("\"mrcr\"", "k9x A poem", gold);
    assert!((50.0..100.0).contains(&part), "{part}");
}

#[test]
fn only_the_first_sentence_counts_for_babilong() {
    assert_eq!(score("\"babilong\"", "In the Kitchen. Or the garden", json!(["kitchen"])), 100.0);
    assert_eq!(score("\"babilong\"", "In the garden. Or the kitchen", json!(["kitchen"])), 0.0);
}

#[test]
fn an_unknown_language_is_refused() {
    let error = dataset("{ name = \"longbench_f1\", language = \"fr\" }").expect_err("a language of two");
    assert!(error.contains("longbench_f1") && error.contains("fr"), "{error}");
}
