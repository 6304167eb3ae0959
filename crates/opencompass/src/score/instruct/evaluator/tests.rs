//! The verdicts against upstream's, and the instructions that the recorded ones lack.

use super::*;
use crate::infer::Prediction;

fn score(predictions: &[Value], references: &[Value]) -> Scores {
    let predicted: Vec<Prediction> = predictions.iter().map(|_| Prediction::default()).collect();
    let columns = Map::new();
    let items: Vec<ScoredItem<'_>> = predicted
        .iter()
        .enumerate()
        .map(|(place, prediction)| ScoredItem {
            pred: predictions[place].clone(),
            answer: references[place].clone(),
            prediction,
            columns: &columns,
            evidence: Vec::new(),
        })
        .collect();
    IfEval.evaluate(&items)
}

#[test]
fn verdicts_equal_upstreams() {
    let Some(path) = internlm_kit::testing::shared_data("golden/opencompass/eval/IFEvaluator.jsonl") else {
        return;
    };
    let text = std::fs::read_to_string(path).expect("a readable file");
    for line in text.lines() {
        let row: Value = serde_json::from_str(line).expect("a JSON object");
        let list = |name: &str| row["in"][name].as_array().cloned().expect("a list");
        let scores = score(&list("predictions"), &list("references"));
        for name in ["strict", "loose"] {
            for level in ["Prompt", "Inst"] {
                let metric = format!("{level}-level-{name}-accuracy");
                let expected = row["out"][&metric].as_f64().expect("a number");
                assert!((scores.metrics[&metric] - expected).abs() < 1e-9, "{} {metric}", row["id"]);
            }
        }
    }
}

/// Checks one instruction, strictly.
fn strict(instruction: &str, kwargs: &Value, text: &str) -> bool {
    let reference = json!({ "instruction_id_list": [instruction], "kwargs": [kwargs] });
    let scores = score(&[json!(text)], &[reference]);
    assert_eq!(scores.details[0].reason, None, "{instruction}");
    scores.details[0].correct == Some(true)
}

#[test]
fn every_instruction_can_be_followed_and_broken() {
    let cases = [
        ("keywords:existence", json!({"keywords": ["cat", "dog"]}), "Cats and dogs", "cats"),
        ("keywords:frequency", json!({"keyword": "a", "frequency": 2, "relation": "at least"}), "aba", "abc"),
        ("keywords:forbidden_words", json!({"forbidden_words": ["cat"]}), "concatenate", "a cat."),
        (
            "keywords:letter_frequency",
            json!({"letter": "e", "let_frequency": 2, "let_relation": "less than"}),
            "the cat",
            "the end",
        ),
        (
            "length_constraints:number_sentences",
            json!({"num_sentences": 3, "relation": "at least"}),
            "One. Mr. Two came! Three?",
            "Dr. No came at 3.5 p.m. today.",
        ),
        ("length_constraints:number_paragraphs", json!({"num_paragraphs": 2}), "a\n***\nb", "a\n\nb"),
        (
            "length_constraints:number_words",
            json!({"num_words": 3, "relation": "less than"}),
            "one two",
            "a-b c",
        ),
        (
            "length_constraints:nth_paragraph_first_word",
            json!({"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "Then"}),
            "a\n\n\"Then, b",
            "a\n\nb then",
        ),
        ("detectable_content:number_placeholders", json!({"num_placeholders": 2}), "[a] [b]", "[a b"),
        ("detectable_content:postscript", json!({"postscript_marker": "P.P.S"}), "a\nP. P. S b", "P.S. b"),
        ("detectable_format:number_bullet_lists", json!({"num_bullets": 2}), "* a\n- b", "** a\n- b"),
        ("detectable_format:constrained_response", json!({}), "My answer is no.", "No."),
        (
            "detectable_format:number_highlighted_sections",
            json!({"num_highlights": 2}),
            "*a* and **b**",
            "* * and *a*",
        ),
        (
            "detectable_format:multiple_sections",
            json!({"section_spliter": "Section", "num_sections": 2}),
            "Section 1 a\nSection 2 b",
            "Section one",
        ),
        ("detectable_format:json_format", json!({}), "```json\n{\"a\": [1]}\n```", "{'a': 1}"),
        ("detectable_format:title", json!({}), "<<poem>>", "<< >>"),
        ("combination:two_responses", json!({}), "a\n******\nb", "a ****** a"),
        ("combination:repeat_prompt", json!({"prompt_to_repeat": "Say A"}), " say a: yes", "yes: say a"),
        ("startend:end_checker", json!({"end_phrase": "The end."}), "... the end.\"", "The end. Or not"),
        (
            "change_case:capital_word_frequency",
            json!({"capital_frequency": 2, "capital_relation": "at least"}),
            "THIS is BIG",
            "This IS big",
        ),
        ("punctuation:no_comma", json!({}), "a b", "a, b"),
        ("startend:quotation", json!({}), "\"a\"", "\""),
        (
            "language:response_language",
            json!({"language": "de"}),
            "Das ist ein deutscher Satz über den Winter und die Berge.",
            "This is an English sentence about the winter and the mountains.",
        ),
        (
            "change_case:english_capital",
            json!({}),
            "THIS IS A SENTENCE ABOUT THE WINTER AND THE MOUNTAINS.",
            "This is a sentence about the winter.",
        ),
        (
            "change_case:english_lowercase",
            json!({}),
            "this is a sentence about the winter and the mountains.",
            "This is a sentence about the winter.",
        ),
    ];
    assert_eq!(cases.len(), 25);
    for (instruction, kwargs, follows, breaks) in &cases {
        assert!(strict(instruction, kwargs, follows), "{instruction} {follows}");
        assert!(!strict(instruction, kwargs, breaks), "{instruction} {breaks}");
    }
}

#[test]
fn a_loose_verdict_forgives_a_line_around_the_answer() {
    let reference = json!({ "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}] });
    let scores = score(&[json!("Sure, here it is:\nan answer"), json!("")], &[reference.clone(), reference]);
    assert_eq!(scores.metrics["Prompt-level-strict-accuracy"], 0.0);
    assert_eq!(scores.metrics["Prompt-level-loose-accuracy"], 50.0);
    assert_eq!(scores.details[0].extra["grade"], "loose");
}

#[test]
fn unknown_instructions_and_missing_arguments_are_named() {
    for (instruction, kwargs) in
        [("keywords:rhyme", json!({})), ("keywords:frequency", json!({"keyword": "a"}))]
    {
        let reference = json!({ "instruction_id_list": [instruction], "kwargs": [kwargs] });
        let scores = score(&[json!("a")], &[reference]);
        assert_eq!(scores.details[0].correct, Some(false), "{instruction}");
        assert!(scores.details[0].reason.is_some(), "{instruction}");
    }
    assert!(score(&[json!("a")], &[json!({})]).details[0].reason.is_some());
}
