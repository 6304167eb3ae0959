//! The generator is deterministic and keeps training and evaluation apart.

use std::collections::BTreeSet;
use std::fs;

use internlm_kit::config::Validate;
use internlm_model::answer::question_lines;
use serde_json::Value;
use xtuner::dataset::read_openai;
use xtuner::generator::{
    ConversationsConfig, Question, conversations, generate, prompts, questions, read_questions,
};
use xtuner::rl::read_prompts;

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
    assert_ne!(conversations(&config.clone().with_seed(2)), conversations(&config));
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
    let expressions: BTreeSet<&str> =
        questions.iter().flat_map(|question| &question.expression).map(String::as_str).collect();
    assert!(expressions.iter().all(|expression| !trained.contains(&operands(expression))));
    assert_eq!(expressions.len(), 200, "every question is another one");
}

#[test]
fn questions_to_test_on_need_an_expression_and_unique_ids() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("questions.jsonl");
    let asked = |questions: &[Question]| {
        fs::write(&path, question_lines(questions)).expect("writes");
        read_questions(&path).expect_err("refused").to_string()
    };
    let (plain, whole) = (Question::new("a", "?", "3"), Question::new("b", "?", "3").with_expression("1+2"));
    let text = asked(&[whole.clone(), plain]);
    assert!(text.contains("questions.jsonl: question a: found no `expression`"), "{text}");
    let text = asked(&[whole.clone(), whole]);
    assert!(text.contains("questions.jsonl: line 2: found the id `b` again"), "{text}");
}

#[test]
fn questions_may_be_one_list() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("questions.jsonl");
    let (line, bad) = (r#"{"id": "a", "question": "?", "answer": 3, "expression": "1+2"}"#, r#"{"id": "b"}"#);
    fs::write(&path, format!("\u{feff}[\n{line}]")).expect("writes");
    assert_eq!(read_questions(&path).expect("reads a list").len(), 1);
    fs::write(&path, format!("[\n{line},\n{bad}]")).expect("writes");
    let text = read_questions(&path).expect_err("refused").to_string();
    assert!(text.contains("questions.jsonl: line 3: found element 2: missing field"), "{text}");
}

#[test]
fn prompts_of_three_digits_have_the_calculator_and_a_reference_and_share_no_pair_with_questions() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let mut config = generate_config(folder.path());
    (config.calculator, config.expressions, config.sentences, config.digits) = (0, 0, 0, 0);
    (config.plain, config.direct, config.held_out) = (0, 0, 100);
    (config.operand_digits, config.prompt_count) = (Some(3), 300);
    config.prompts = Some(folder.path().join("prompts.jsonl"));
    generate(&config).expect("generates");
    assert!(!config.conversations.exists(), "there is no conversation to write");
    let pairs = |expressions: Vec<String>| -> BTreeSet<(i64, i64)> {
        expressions.iter().map(|expression| operands(expression)).collect()
    };
    let read = read_prompts(&[folder.path().join("prompts.jsonl")]).expect("prompts");
    assert_eq!((read.len(), prompts(&config).len()), (300, 300));
    assert!(read.iter().all(|prompt| prompt.messages[0].text().contains("Calculator")));
    let asked = pairs(read.into_iter().filter_map(|prompt| prompt.reference).collect());
    let held_out = pairs(questions(&config).into_iter().filter_map(|question| question.expression).collect());
    assert!(asked.is_disjoint(&held_out) && held_out.len() >= 90);
    let three = |(left, right): &(i64, i64)| (100..1000).contains(left) && (100..1000).contains(right);
    assert!(asked.iter().all(three) && held_out.iter().all(three));

    config.mixed_prompts = 100;
    let mixed = prompts(&config);
    let (own, others) = mixed.split_at(200);
    assert_eq!(own, &prompts_of(&config, 0)[..200], "they take the place of the last ones");
    let others =
        pairs(others.iter().filter_map(|prompt| prompt["reference"].as_str().map(str::to_owned)).collect());
    assert!(others.is_disjoint(&held_out));
    let short = others.iter().filter(|(small, _)| *small < 100).count();
    assert!((50..100).contains(&short), "{short} of 100 have an operand of one or two digits");
}

/// The prompts of `config` with another number of mixed ones.
fn prompts_of(config: &ConversationsConfig, mixed: usize) -> Vec<Value> {
    let mut config = config.clone();
    config.mixed_prompts = mixed;
    prompts(&config)
}

#[test]
fn conversations_of_a_react_agent_are_plain_text() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let mut config = ConversationsConfig::new(folder.path().join("c.jsonl"), folder.path().join("q.jsonl"));
    config.react = 20;
    assert!(
        config.problems()[0].starts_with("generate.react-prompt: found no text"),
        "{:?}",
        config.problems()
    );
    (config.react, config.direct, config.mixed_prompts) = (0, 1, 5);
    config.react_prompt = "Use tools.".to_owned();
    let text = config.problems().join("; ");
    assert!(text.contains("generate.react-prompt: found a text, expected none"), "{text}");
    config.react_prompt.clear();
    let text = config.problems().join("; ");
    assert!(text.contains("generate.mixed-prompts: found 5, expected 0 without"), "{text}");
    (config.react, config.direct, config.mixed_prompts) = (20, 0, 0);
    config.react_prompt = "Use tools.".to_owned();
    assert!(config.problems().is_empty());
    generate(&config).expect("generates");
    let read = read_openai(&config.conversations).expect("parses");
    assert_eq!(read.len(), 20);
    for conversation in conversations(&config) {
        let messages = conversation["messages"].as_array().expect("messages");
        let roles = Vec::from_iter(messages.iter().filter_map(|message| message["role"].as_str()));
        assert_eq!(roles, ["system", "user", "assistant", "system", "assistant"]);
        let text = |place: usize| conversation["messages"][place]["content"].as_str().expect("a text");
        let (thought, input) = text(2).split_once("\nAction: Calculator\nAction Input: ").expect("a call");
        let input: Value = serde_json::from_str(input).expect("its input is JSON");
        let result =
            text(3).strip_prefix("Response:").and_then(|rest| rest.strip_suffix('\n')).expect("a result");
        assert_eq!(text(0), "Use tools.");
        let expression = input["expression"].as_str().expect("an expression");
        assert_eq!(thought, format!("Thought: I need to calculate {expression}."));
        let (left, right) = operands(expression);
        assert!(text(1).contains(&left.to_string()) && text(1).contains(&right.to_string()));
        assert_eq!(text(4), format!("Thought: I know the result.\nFinal Answer: The answer is {result}."));
    }
}
