//! Mathematical equality against upstream's outputs and against the library math-verify.

use opencompass::dataset::{Dataset, DatasetConfig, Named};
use opencompass::infer::Prediction;
use opencompass::score::{Scorer, Scores};
use serde_json::Value;

use crate::shared;

/// A dataset without rows that is scored by `evaluator`.
fn dataset(evaluator: Named) -> Dataset {
    let text = "name = \"x\"\nsource = { files = [\"x\"] }\nreader = { input = [\"q\"], output = \"a\" }\n\
                prompt = { text = \"{q}\" }\ninfer = { mode = \"gen\" }\nscore = { evaluator = \"acc\" }\n";
    let mut dataset = Dataset::without_rows(DatasetConfig::parse(text, "x.toml").expect("a dataset file"));
    dataset.config.score.evaluator = evaluator;
    dataset
}

fn score(evaluator: &Named, items: &[(&str, &str)]) -> Scores {
    let dataset = dataset(evaluator.clone());
    let predictions: Vec<Prediction> = items
        .iter()
        .map(|(pred, gold)| Prediction {
            text: Some((*pred).to_owned()),
            gold: (*gold).into(),
            ..Prediction::default()
        })
        .collect();
    Scorer::new(&dataset).expect("an evaluator of ours").score(&predictions, &|_| None).scores
}

/// The verdict of an evaluator on one pair.
fn right(evaluator: &str, pred: &str, gold: &str) -> bool {
    score(&Named::new(evaluator), &[(pred, gold)]).details[0].correct == Some(true)
}

fn texts<'a>(row: &'a Value, name: &str) -> Vec<&'a str> {
    row["in"][name].as_array().expect("a list").iter().map(|text| text.as_str().expect("a text")).collect()
}

#[test]
fn normal_forms_equal_upstreams() {
    for version in ["v1", "v2"] {
        let Some(rows) = shared::lines(&format!("golden/opencompass/eval/MATHEvaluator_{version}.jsonl"))
        else {
            return;
        };
        assert_eq!(rows.len(), 40);
        for row in &rows {
            let items: Vec<(&str, &str)> =
                texts(row, "predictions").into_iter().zip(texts(row, "references")).collect();
            let scores = score(&Named::new("math").with("version", version), &items);
            let expected = row["out"]["accuracy"].as_f64().expect("a number");
            assert!((scores.metrics["accuracy"] - expected).abs() < 1e-9, "{}", row["id"]);
            let found: Vec<Option<bool>> = scores.details.iter().map(|detail| detail.correct).collect();
            let verdicts = row["out"]["correct"].as_array().expect("a list");
            let expected: Vec<Option<bool>> = verdicts.iter().map(Value::as_bool).collect();
            assert_eq!(found, expected, "{}", row["id"]);
        }
    }
}

#[test]
fn model_solutions_of_gsm8k_are_judged_as_their_authors_judged_them() {
    let Some(rows) = shared::lines("eval/gsm8k/example_model_solutions.part.jsonl") else { return };
    let (mut items, mut expected) = (Vec::new(), Vec::new());
    for row in &rows {
        let truth = row["ground_truth"].as_str().expect("a text");
        let (_, gold) = truth.rsplit_once("A: ").expect("ends with the answer");
        for model in ["6b_finetuning", "175b_verification"] {
            let solution = row[model]["solution"].as_str().expect("a text").to_owned();
            items.push(Prediction {
                text: Some(solution),
                gold: gold.replace(',', "").into(),
                ..Prediction::default()
            });
            expected.push(row[model]["is_correct"].as_bool());
        }
    }
    let mut dataset = dataset(Named::new("gsm8k"));
    dataset.config.score.post = vec![Named::new("gsm8k")];
    dataset.config.score.compat = true;
    let scores = Scorer::new(&dataset).expect("an evaluator of ours").score(&items, &|_| None).scores;
    let found: Vec<Option<bool>> = scores.details.iter().map(|detail| detail.correct).collect();
    assert_eq!(found.len(), 2638);
    assert_eq!(found, expected);
}

/// Checks that at least 99 % of the verdicts are the library's.
fn agrees(pairs: &[(String, String, bool)], evaluator: &str) {
    let differing: Vec<_> =
        pairs.iter().filter(|(pred, gold, equal)| right(evaluator, pred, gold) != *equal).collect();
    assert!(differing.len() * 100 <= pairs.len(), "{} of {}: {differing:#?}", differing.len(), pairs.len());
}

#[test]
fn answers_are_verified_as_upstream_verifies_them() {
    let Some(rows) = shared::lines("golden/opencompass/eval/math_verify.jsonl") else { return };
    let pair = |row: &Value| {
        let text = |name: &str| texts(row, name)[0].to_owned();
        (text("predictions"), text("references"), row["out"]["correct"].as_f64() == Some(1.0))
    };
    agrees(&rows.iter().map(pair).collect::<Vec<_>>(), "math_verify");
}

#[test]
fn formulas_are_equal_where_the_library_finds_them_equal() {
    let Some(rows) = shared::lines("golden/opencompass/eval/math_equiv.jsonl") else { return };
    let pair = |row: &Value| {
        let text = |name: &str| row["in"][name].as_str().expect("a text").to_owned();
        (text("pred"), text("gold"), row["out"]["equal"] == true)
    };
    agrees(&rows.iter().map(pair).collect::<Vec<_>>(), "math_equiv");
}

#[test]
fn our_own_pairs_agree_with_the_library() {
    let pairs: Vec<(String, String, bool)> = include_str!("../golden/math_pairs.jsonl")
        .lines()
        .map(|line| {
            let row: Value = serde_json::from_str(line).expect("a JSON object per line");
            let text = |name: &str| row[name].as_str().expect("a text").to_owned();
            (text("pred"), text("gold"), row["equal"] == true)
        })
        .collect();
    assert!(pairs.len() >= 300);
    agrees(&pairs, "math_equiv");
}

/// The verdicts are those of upstream's function.
#[test]
fn an_answer_needs_its_box_or_its_words() {
    for (text, gold, expected) in [
        ("So it is \\boxed{12}.", "12", true),
        ("\\boxed{1} and then \\boxed{2}", "2", false),
        ("\\boxed{1}. Let me check all of this again. So \\boxed{2}", "2", true),
        ("The answer is $x = 3$.", "3", true),
        ("Final answer is: \\(\\frac{1}{2}\\)", "0.5", true),
        ("answer: $1$, $2$ and $3$", "\\{1,2,3\\}", true),
        ("The answer is $50$ percent", "50\\%", true),
        ("$12$", "12", false),
        ("The answer is 12", "12", false),
        ("", "12", false),
        ("The final answer is \\(x=2, y=3\\).", "x=2,y=3", true),
        ("answer [5] ok", "5", true),
        ("The answer: \\frac{1}{2}", "\\frac{1}{2}", true),
        ("The answer is $a=b=5$", "5", true),
        ("ANSWER: \\[ 7 \\]", "7", true),
        ("Answer\n\n$$\n8\n$$", "8", true),
        ("answer $3$ answer $4$", "3", false),
        ("answer $3$ answer $4$", "4", true),
        ("\\boxed{\\text{A}}", "A", true),
        ("\\boxed{x \\in [1,2]}", "[1,2]", true),
        ("\\boxed{10\\%}", "0.1", true),
        ("\\boxed{\\frac12}", "\\frac12", false),
        ("\\boxed{1/2}", "0.5", true),
        ("$\\boxed{3}$ and $\\boxed{4}$", "4", false),
        ("$\\boxed{3}$ and $\\boxed{4}$", "3,4", true),
        ("\\fbox{3}", "3", false),
    ] {
        assert_eq!(right("math_verify", text, gold), expected, "{text}");
    }
}

/// Texts whose nesting, length or values would take forever or overflow the stack if the work were not bounded.
#[test]
fn every_text_is_judged() {
    let texts = [
        "(".repeat(50_000),
        "x^".repeat(20_000),
        "x(".repeat(20_000),
        "\\sin(".repeat(20_000),
        "\\boxed{".repeat(10_000),
        "$".repeat(50_000),
        "\\[".repeat(30_000),
        "answer ".repeat(8_000),
        " ".repeat(60_000),
        "{1,2},".repeat(8_000),
        format!("\\boxed{{{}}}", "9".repeat(4_000)),
        "\\boxed{9^{9^{9^{9}}}}".to_owned(),
        "\\boxed{\\sum_{i=1}^{1000} \\sum_{j=1}^{1000} ij}".to_owned(),
        format!("\\boxed{{\\{{{}\\}}}}", "1,".repeat(900) + "1"),
    ];
    for text in &texts {
        for evaluator in ["math_verify", "math_equiv", "math"] {
            right(evaluator, text, "12");
            right(evaluator, text, text);
        }
    }
}
