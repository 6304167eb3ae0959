//! The generator is deterministic and keeps training and evaluation apart.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;
use xtuner::dataset::read_openai;
use xtuner::generator::{conversations, generate, questions, read_questions};

use crate::fixture::generate_config;

/// The operands of `12*34`, smaller first.
fn operands(expression: &str) -> (i64, i64) {
    let place = expression.find(['+', '-', '*']).expect("an operator");
    let numbers = [&expression[..place], &expression[place + 1..]];
    let [left, right] = numbers.map(|number| number.parse::<i64>().expect("a number"));
    (left.min(right), left.max(right))
}

#[test]
fn same_seed_same_bytes_and_every_line_is_a_conversation() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let config = generate_config(folder.path());
    generate(&config).expect("generates");
    let first = fs::read(&config.conversations).expect("reads");
    generate(&config).expect("generates");
    assert_eq!(fs::read(&config.conversations).expect("reads"), first);
    assert_eq!(read_openai(&config.conversations).expect("parses").len(), config.total());
    assert_eq!(read_questions(&config.questions).expect("parses"), questions(&config));
    let other = xtuner::generator::GenerateConfig { seed: 2, ..config.clone() };
    assert_ne!(conversations(&other), conversations(&config));
}

#[test]
fn no_question_has_an_operand_pair_of_training() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let mut config = generate_config(folder.path());
    (config.calculator, config.held_out) = (3000, 200);
    let trained: BTreeSet<(i64, i64)> = conversations(&config)
        .iter()
        .filter_map(|conversation| {
            let arguments = conversation.pointer("/messages/1/tool_calls/0/function/arguments")?.as_str()?;
            let arguments: Value = serde_json::from_str(arguments).expect("arguments are JSON");
            arguments["expression"].as_str().map(operands)
        })
        .collect();
    assert!(trained.len() > 2000);
    let questions = questions(&config);
    assert_eq!(questions.len(), 200);
    assert!(questions.iter().all(|question| !trained.contains(&operands(&question.expression))));
    let expressions: BTreeSet<&str> = questions.iter().map(|question| question.expression.as_str()).collect();
    assert_eq!(expressions.len(), 200, "every question is another one");
}
