//! Published sets that are scored by a rule of their own, and the arguments of upstream's services. Rows and answers are
//! made up.

use opencompass::score::Scores;
use serde_json::{Value, json};

use crate::graded::{config, runner, scored};

/// Scores answers without programs.
fn plain(score: &str, items: &[(Value, &str)]) -> Scores {
    let items: Vec<(Value, String)> =
        items.iter().map(|(row, answer)| (row.clone(), (*answer).to_owned())).collect();
    scored(config(score, ""), &items, runner(|_| panic!("nothing to run")))
}

#[test]
fn rules_facts_and_formulas_are_scored() {
    let row = |rule: &str, gold: &str| json!({ "gold": gold, "rule_id": rule, "idx": "3" });
    let score = "evaluator = { name = \"korbench\", category = \"puzzle\" }";
    let items = [(row("10", "[[6*(3+1)*1=24]]"), "[[(1+3)*6*1]]"), (row("10", "[[6*(3+1)*1=24]]"), "[[24]]")];
    assert_eq!(plain(score, &items).metrics["accuracy"], 50.0);
    let items = [
        (json!({ "gold": "$2,-2$" }), "So the final answer is \\boxed{\\pm2}."),
        (json!({ "gold": "$\\frac{1}{2}$" }), "\\boxed{0.6}"),
    ];
    assert_eq!(plain("evaluator = \"olympiadbench\"", &items).metrics["accuracy"], 50.0);
    let items = [(json!({ "gold": ["A", "C"] }), "选(A)和C，不是CT"), (json!({ "gold": ["B"] }), "A")];
    let score = "evaluator = { name = \"medbench\", task = \"choices\" }";
    assert_eq!(plain(score, &items).metrics["Accuracy"], 50.0);
    let facts = json!([{ "type": "药物", "entity": "阿司匹林" }, { "type": "症状", "entity": "头痛" }]);
    let items = [(json!({ "gold": facts }), "药物：阿司匹林，布洛芬")];
    let score = "evaluator = { name = \"medbench\", task = \"cmeee\" }";
    // One of two given and of two expected facts is right.
    assert_eq!(plain(score, &items).metrics["F1"], 0.5);
    let items = [(json!({ "gold": "疾病" }), "疾病\n"), (json!({ "gold": "药物" }), "疾病")];
    let score = "evaluator = { name = \"medbench\", task = \"chip-ctc\" }";
    // classification_report of scikit-learn: 2/3 and 0.
    assert!((plain(score, &items).metrics["Macro-F1"] - 1.0 / 3.0).abs() < 1e-12);
    let items = [(json!({ "gold": "患者头痛" }), "患者头痛")];
    let score = "evaluator = { name = \"medbench\", task = \"text\" }";
    assert!((plain(score, &items).metrics["RougeL"] - 1.0).abs() < 1e-6);
    let scores = plain("evaluator = \"unscored\"", &[(json!({ "gold": "" }), "an essay")]);
    assert_eq!((scores.metrics["answered"], scores.correct), (100.0, None));
}

#[test]
fn arguments_of_upstreams_services_are_taken_or_refused() {
    let problems = |evaluator: &str| config(&format!("evaluator = {{ {evaluator} }}"), "").problems();
    for evaluator in [
        "name = \"humaneval_x\", language = \"go\", ip_address = \"localhost\", port = 5001",
        "name = \"humaneval_multi\", language = \"r\", ip_address = \"localhost\", port = 5000",
        "name = \"olympiadbench\", version = \"v2\"",
        "name = \"toxicity\", key = \"ENV\"",
    ] {
        assert_eq!(problems(evaluator), [""; 0], "{evaluator}");
    }
    let refused = problems("name = \"toxicity\", key = \"secret\"");
    assert!(refused[0].contains("toxicity.key: found a key, expected `ENV`"), "{refused:?}");
    assert!(problems("name = \"humaneval_x\", language = \"rust\"")[0].contains("found `rust`"));
}
