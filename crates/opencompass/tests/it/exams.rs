//! Evaluators of exams and puzzles against upstream's outputs, and on cases of our own.

use opencompass::dataset::{Dataset, DatasetConfig, Named};
use opencompass::infer::Prediction;
use opencompass::score::{Scored, Scorer};
use serde_json::{Value, json};

use crate::shared;

fn scored(evaluator: &Named, items: &[(&str, Value)]) -> Scored {
    let text = "name = \"x\"\nsource = { files = [\"x\"] }\nreader = { input = [\"q\"], output = \"a\" }\n\
                prompt = { text = \"{q}\" }\ninfer = { mode = \"gen\" }\nscore = { evaluator = \"acc\" }\n";
    let mut dataset = Dataset::without_rows(DatasetConfig::parse(text, "x.toml").expect("a dataset file"));
    dataset.config.score.evaluator = evaluator.clone();
    let predictions: Vec<Prediction> = items
        .iter()
        .map(|(pred, gold)| Prediction {
            text: Some((*pred).to_owned()),
            gold: gold.clone(),
            ..Prediction::default()
        })
        .collect();
    Scorer::new(&dataset).expect("an evaluator of ours").score(&predictions, &|_| None)
}

fn verdicts(evaluator: &str, items: &[(&str, Value)]) -> Vec<bool> {
    let scores = scored(&Named::new(evaluator), items).scores;
    scores.details.iter().map(|detail| detail.correct == Some(true)).collect()
}

/// Verdicts of the reading without upstream's faults, where the readings differ.
fn fixed(evaluator: &str, items: &[(&str, Value)]) -> Vec<bool> {
    let scored = scored(&Named::new(evaluator), items);
    let scores = scored.other.unwrap_or(scored.scores);
    scores.details.iter().map(|detail| detail.correct == Some(true)).collect()
}

#[test]
fn evaluators_equal_upstreams() {
    let gaokao = |kind: &str| Named::new("gaokao").with("question_type", kind);
    for (file, evaluator) in [
        ("GaokaoBenchEvaluator_single_choice", gaokao("single_choice")),
        ("GaokaoBenchEvaluator_multi_choice", gaokao("multi_choice")),
        ("GaokaoBenchEvaluator_multi_question_choice", gaokao("multi_question_choice")),
        ("GaokaoBenchEvaluator_five_out_of_seven", gaokao("five_out_of_seven")),
        ("AGIEvalEvaluator", Named::new("agieval")),
        ("BBHEvaluator", Named::new("bbh")),
    ] {
        let Some(rows) = shared::lines(&format!("golden/opencompass/eval/{file}.jsonl")) else { return };
        assert_eq!(rows.len(), 40, "{file}");
        for row in &rows {
            check(row, &evaluator);
        }
    }
}

fn check(row: &Value, evaluator: &Named) {
    let list = |name: &str| row["in"][name].as_array().expect("a list").iter();
    let items: Vec<(&str, Value)> = list("predictions")
        .map(|text| text.as_str().expect("a text"))
        .zip(list("references").cloned())
        .collect();
    let scores = scored(evaluator, &items).scores;
    let expected = row["out"]["score"].as_f64().expect("a number");
    assert!((scores.metrics["score"] - expected).abs() <= 1e-9 * expected.abs(), "{}", row["id"]);
    if let Some(preds) = row["out"]["pred"].as_array() {
        let found: Vec<&Value> = scores.details.iter().map(|detail| &detail.pred).collect();
        let same =
            |(found, expected): (&&Value, &Value)| *found == expected || (found.is_null() && *expected == "");
        assert!(found.iter().zip(preds).all(same), "{}: {found:?}", row["id"]);
    }
    if let Some(correct) = row["out"]["correct"].as_array() {
        let found: Vec<Option<bool>> = scores.details.iter().map(|detail| detail.correct).collect();
        assert_eq!(found, correct.iter().map(Value::as_bool).collect::<Vec<_>>(), "{}", row["id"]);
    }
}

#[test]
fn letters_and_texts() {
    let answer = || json!("B. The second one");
    let items =
        [("B", answer()), ("The second one\nbecause", answer()), ("A", answer()), ("second", answer())];
    assert_eq!(verdicts("mmlu_pro", &items), [true, true, false, false]);
    let items = [
        ("The answer is: (C)", json!("C")),
        ("**d**", json!("D")),
        ("x\n(B)\n", json!("B")),
        ("no", json!("A")),
    ];
    assert_eq!(verdicts("zebralogic_mc", &items), [true, true, true, false]);
    let items =
        [("The answer is: \\boxed{Yes}\nso", json!("yes")), ("a , b", json!("a,b")), ("no", json!("yes"))];
    assert_eq!(verdicts("bbeh", &items), [true, true, false]);
    let items = [("ANSWER: 2", json!(2)), ("ANSWER: 12 of 20", json!(1)), ("2", json!(2))];
    assert_eq!(verdicts("musr", &items), [true, false, false]);
    let kaoshi = Named::new("kaoshi").with("question_type", "cloze");
    let scores = scored(&kaoshi, &[("【答案】42 <eoa>", json!("42")), ("42", json!("42"))]).scores;
    assert_eq!(scores.metrics["score"], 50.0);
}

#[test]
fn numbers_are_compared_as_their_authors_do() {
    let items = [("3.1416", json!("3.1419")), ("3.14", json!("3.1419")), ("pi", json!("3.14"))];
    assert_eq!(verdicts("math401", &items), [true, false, false]);
    let items = [("101", json!("100")), ("106", json!("100")), ("100", json!("100"))];
    assert_eq!(verdicts("scibench", &items), [false, false, true]);
    assert_eq!(fixed("scibench", &items), [true, false, true]);
    let items = [("(4 + 8) * (6 - 4)", json!("4 4 6 8")), ("24", json!("4 4 6 8"))];
    assert_eq!(scored(&Named::new("game24"), &items).scores.metrics["acc score"], 0.5);
    let table = json!({"answer": "1,000", "unit": null, "choices": null});
    let choice = json!({"answer": "blue", "unit": null, "choices": ["red", "blue"]});
    let items = [
        ("The answer is $1000.", table.clone()),
        ("so 5 + 5 = 10", table),
        ("(B)", choice.clone()),
        ("The answer is A", choice),
    ];
    assert_eq!(verdicts("tabmwp", &items), [true, false, true, false]);
}

/// An answer of NPHardEval.
fn tagged(answer: &str) -> String {
    format!("<root><reasoning>so</reasoning><final_answer>{answer}</final_answer></root>")
}

#[test]
fn solutions_of_hard_problems_are_verified() {
    let edit = json!({"string_a": "kitten", "string_b": "sitting"});
    let path = json!({"nodes": [0, 1, 2], "edges": [{"from": 0, "to": 1, "weight": 1}, {"from": 1, "to": 2, "weight": 2},
        {"from": 0, "to": 2, "weight": 9}]});
    let sack = json!({"knapsack_capacity": 5, "items": [{"id": 0, "weight": 3, "value": 4}, {"id": 1, "weight": 2,
        "value": 3}, {"id": 2, "weight": 4, "value": 5}]});
    let search = json!({"array": [5, 1, 3], "target": 3});
    let graph = "p edge 3 2\ne 1 2\ne 2 3";
    let meetings = json!({"meetings": [{"id": 0, "duration": 2}], "time_slots": 4,
        "participants": {"0": {"meetings": [0], "available_slots": [1, 2, 3]}}});
    let square =
        json!({"0": {"0": 0, "1": 1, "2": 2}, "1": {"0": 1, "1": 0, "2": 1}, "2": {"0": 2, "1": 1, "2": 0}});
    for (evaluator, problem, right, wrong) in [
        ("nphardeval_edp", edit.to_string(), "{'Operations': '3'}", "{'Operations': '4'}"),
        (
            "nphardeval_spp",
            path.to_string(),
            "{'Path': '0->1->2', 'TotalDistance': '3'}",
            "{'Path': '0->2', 'TotalDistance': '9'}",
        ),
        (
            "nphardeval_ksp",
            sack.to_string(),
            "{'Feasible': 'YES', 'TotalValue': '7', 'SelectedItemIds': [0, 1]}",
            "{'Feasible': 'YES', 'TotalValue': '5', 'SelectedItemIds': [2]}",
        ),
        ("nphardeval_bsp", search.to_string(), "{'Position': '1'}", "{'Position': '2'}"),
        ("nphardeval_gcp", graph.to_owned(), "{1: 'A', 2: 'B', 3: 'A'}", "{1: 'A', 2: 'A', 3: 'B'}"),
        ("nphardeval_gcp_d", format!("Use 2 colors\n{graph}"), "{'Feasible': 'YES'}", "{'Feasible': 'NO'}"),
        ("nphardeval_msp", meetings.to_string(), "{0: [1, 2]}", "{0: [0, 1]}"),
        (
            "nphardeval_tsp",
            json!(square.to_string()).to_string(),
            "{'Path': '0->1->2->0', 'TotalDistance': '4'}",
            "{'Path': '0->1->0'}",
        ),
    ] {
        let problem = json!(format!("3####\n{problem}"));
        let (right, wrong) = (tagged(right), tagged(wrong));
        let items =
            [(right.as_str(), problem.clone()), (wrong.as_str(), problem.clone()), ("no tags", problem)];
        assert_eq!(fixed(evaluator, &items), [true, false, false], "{evaluator}");
    }
    let limit = json!({"0": {"0": 0, "1": 1, "2": 5}, "1": {"0": 1, "1": 0, "2": null}});
    let problem = json!(format!("1####\n{}", json!(limit.to_string())));
    let (yes, no) = (tagged("{'Feasible': 'yes'}"), tagged("{'Feasible': 'no'}"));
    assert_eq!(
        fixed("nphardeval_tsp_d", &[(yes.as_str(), problem.clone()), (no.as_str(), problem)]),
        [true, false]
    );
}

#[test]
fn grids_are_compared_cell_by_cell() {
    let answer = json!({"header": ["House", "Name"], "rows": [["1", "Ann"], ["2", "Bob"]]});
    let table = "| House | Name |\n|---|---|\n| 1 | ann |\n| 2 | Eve |";
    let scores = scored(&Named::new("zebralogic_grid"), &[(table, answer)]).scores;
    assert_eq!((scores.metrics["cell_accuracy"], scores.metrics["perfect_accuracy"]), (75.0, 0.0));
    let items = [("It is [[1, 2], [3, 4]].", json!([[1, 2], [3, 4]])), ("none", json!([[1]]))];
    let scored = scored(&Named::new("arc_prize"), &items);
    assert_eq!(scored.scores.metrics["accuracy"], 0.5);
    assert_eq!(scored.other.expect("a percentage").metrics["accuracy"], 50.0);
}

#[test]
fn wrong_arguments_are_refused() {
    for evaluator in [
        Named::new("gaokao"),
        Named::new("gaokao").with("question_type", "essay"),
        Named::new("gaokao").with("question_type", "judgment"),
        Named::new("kaoshi").with("question_type", "correction"),
        Named::new("math").with("version", "v3"),
        Named::new("math_equiv").with("strict", true),
    ] {
        let text = "name = \"x\"\nsource = { files = [\"x\"] }\nreader = { input = [\"q\"], output = \"a\" }\n\
                    prompt = { text = \"{q}\" }\ninfer = { mode = \"gen\" }\nscore = { evaluator = \"acc\" }\n";
        let mut dataset =
            Dataset::without_rows(DatasetConfig::parse(text, "x.toml").expect("a dataset file"));
        dataset.config.score.evaluator = evaluator.clone();
        assert!(Scorer::new(&dataset).is_err(), "{evaluator:?}");
    }
}
