//! Agents against lmdeploy's own HTTP server, whose engine replies from a script: what one crate writes, the
//! other one has to read.

use std::path::Path;

use internlm_kit::exit::BadInput;
use lagent::action::Calculator;
use lagent::driver::{Ending, Silent, World, drive};
use lagent::llm::{EndpointConfig, LanguageModel, OpenAi};
use lagent::run::{FailReason, FailureKind};
use lagent::{AgentRun, AgentSpec, Error, Message, Toolbox};
use lmdeploy::testing::{MockFault, MockModel, MockServer};
use serde_json::Value;

use crate::terminal::{lagent, program};

/// A plugin call as InternLM2 writes it.
fn call(body: &str) -> String {
    format!("<|action_start|><|plugin|>\n{body}<|action_end|>")
}

/// The call of the calculator with this expression.
fn calculate(expression: &str) -> String {
    call(&format!("{{\"name\": \"Calculator\", \"parameters\": {{\"expression\": \"{expression}\"}}}}"))
}

/// A model that answers every question by a call and every result by a sentence.
fn trained() -> MockModel {
    MockModel::from_fn(|prompt: &str| {
        let turn = prompt.rsplit("<|im_start|>").nth(1).expect("a turn before the assistant's");
        let (head, text) = turn.split_once('\n').expect("a head");
        let text = text.trim_end().trim_end_matches("<|im_end|>");
        match head {
            "user" => calculate(text.trim_start_matches("What is ").trim_end_matches('?')),
            _ => format!("The answer is {text}."),
        }
    })
}

fn endpoint(server: &MockServer) -> EndpointConfig {
    let mut config = EndpointConfig::default();
    config.base_url = server.url().to_owned();
    config.retries = 0;
    config
}

fn tools() -> Toolbox {
    let mut tools = Toolbox::default();
    tools.add(std::sync::Arc::new(Calculator));
    tools
}

/// Asks an agent with the calculator some questions one after the other; returns the endings and the run.
fn converse(server: &MockServer, questions: &[&str]) -> (Vec<Ending>, AgentRun) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let tools = tools();
    let mut run = AgentRun::new(AgentSpec::internlm2(tools.specs()));
    let endings = runtime.block_on(async {
        let model = OpenAi::connect(&endpoint(server)).await.expect("connects");
        assert_eq!(model.name(), "mock");
        let mut endings = Vec::new();
        for question in questions {
            let world = World::new(&model, &tools);
            let asked = vec![Message::user(*question)];
            endings.push(drive(&mut run, asked, world, &mut Silent).await.expect("drives"));
        }
        endings
    });
    (endings, run)
}

const TOOLS: &str = "<|im_start|>system name=<|plugin|>\n[{\"name\": \"Calculator\", \"description\": \"Evaluates an arithmetic \
                     expression.\", \"parameters\": {\"type\": \"object\", \"properties\": {\"expression\": {\"type\": \
                     \"string\"}}, \"required\": [\"expression\"]}}]<|im_end|>\n";

#[test]
fn a_call_and_its_result_reach_the_model_as_it_was_trained() {
    let server = MockServer::start([calculate("12*34").as_str(), "12 x 34 is 408."]);
    let (endings, run) = converse(&server, &["What is 12 x 34?"]);
    assert_eq!(endings[0].answer(), Some("12 x 34 is 408."));
    assert_eq!((run.used().turns, run.used().tool_calls, run.used().parse_errors), (2, 1, 0));
    let asked = format!("<s>{TOOLS}<|im_start|>user\nWhat is 12 x 34?<|im_end|>\n<|im_start|>assistant\n");
    let told = format!(
        "{asked}{}<|im_end|>\n<|im_start|>environment name=<|plugin|>\n408<|im_end|>\n<|im_start|>assistant\n",
        calculate("12*34")
    );
    // The reply had no text beside its call: an empty content, not the word `null`.
    assert_eq!(server.prompt_texts(), [asked, told]);
    let counted: usize = server.prompts().iter().map(Vec::len).sum();
    assert_eq!(run.used().input_tokens, counted as u64, "the server counts what the engine received");
}

#[test]
fn a_call_whose_parameters_are_not_an_object_is_corrected() {
    let wrong = call("{\"name\": \"Calculator\", \"parameters\": [1]}");
    let server = MockServer::start([wrong.as_str(), &calculate("1+1"), "The answer is 2."]);
    let (endings, run) = converse(&server, &["What is 1 + 1?"]);
    assert_eq!(endings[0].answer(), Some("The answer is 2."), "{:?}", endings[0]);
    assert_eq!((run.used().turns, run.used().parse_errors, run.used().tool_calls), (3, 1, 1));
    let prompts = server.prompt_texts();
    // The model sees its own call as it wrote it, and then what is wrong with it.
    assert!(prompts[1].contains(&format!("{wrong}<|im_end|>\n")), "{}", prompts[1]);
    let correction = prompts[1].rsplit("<|im_start|>environment name=<|plugin|>\n").next().expect("a part");
    assert!(correction.starts_with("error: ") && correction.contains("object"), "{correction}");
    assert!(prompts[2].starts_with(prompts[1].trim_end_matches("<|im_start|>assistant\n")), "{}", prompts[2]);
}

#[test]
fn calls_that_are_not_json_are_corrected_until_the_limit() {
    let server = MockServer::start([call("{\"name\": \"Calculator\", \"parameters\": {").as_str()]);
    let (endings, run) = converse(&server, &["What is 1 + 1?"]);
    let Ending::Failed { reason: FailReason::Unparsable { .. }, best } = &endings[0] else {
        panic!("{:?}", endings[0])
    };
    assert_eq!(best, &None);
    // The first call and two corrections.
    assert_eq!((server.prompts().len(), run.used().parse_errors), (3, 3));
}

#[test]
fn several_calls_of_one_reply_get_their_results_in_order() {
    let reply = format!("Let me see.{}{}", calculate("1+1"), calculate("2*3"));
    let server = MockServer::start([reply.as_str(), "2 and 6"]);
    let (endings, run) = converse(&server, &["Both?"]);
    assert_eq!((endings[0].answer(), run.used().tool_calls), (Some("2 and 6"), 2));
    let result = |text: &str| format!("<|im_start|>environment name=<|plugin|>\n{text}<|im_end|>\n");
    let tail = format!("assistant\n{reply}<|im_end|>\n{}{}<|im_start|>assistant\n", result("2"), result("6"));
    let prompts = server.prompt_texts();
    assert!(prompts[1].ends_with(&tail), "{}", prompts[1]);
}

#[test]
fn a_conversation_keeps_its_calls_over_many_questions() {
    let server = MockServer::start(trained());
    let (endings, run) = converse(&server, &["What is 2*3?", "What is 10-20?", "What is 1/0?"]);
    let answers: Vec<_> = endings.iter().map(|ending| ending.answer().expect("an answer")).collect();
    assert_eq!(
        answers,
        ["The answer is 6.", "The answer is -10.", "The answer is error: position 2: division by zero."]
    );
    let prompts = server.prompt_texts();
    assert_eq!(prompts.len(), 6);
    for (earlier, later) in prompts.iter().zip(&prompts[1..]) {
        // Every prompt continues the one before it, so the server's prefix cache can reuse it.
        assert!(later.starts_with(earlier.as_str()), "{later}");
    }
    assert_eq!(run.history().len(), 12);
}

#[test]
fn a_tool_that_does_not_exist_is_answered_with_those_that_do() {
    let search = call("{\"name\": \"Search\", \"parameters\": {}}");
    let server = MockServer::start([search.as_str(), "I cannot."]);
    let (endings, _) = converse(&server, &["Search!"]);
    assert_eq!(endings[0].answer(), Some("I cannot."));
    let told = "environment name=<|plugin|>\nThe action is invalid, please check the action name. \
                Found `Search`, expected one of Calculator.<|im_end|>";
    assert!(server.prompt_texts()[1].contains(told), "{}", server.prompt_texts()[1]);
}

#[test]
fn errors_of_the_server_are_reasons_with_a_category() {
    let failing = MockServer::start(MockModel::from("fine").with_fault(0, MockFault::Error));
    let (endings, _) = converse(&failing, &["hi", "hi"]);
    let Ending::Failed { reason: FailReason::Model { kind, .. }, .. } = &endings[0] else {
        panic!("{:?}", endings[0])
    };
    assert_eq!(*kind, FailureKind::Server);
    // The conversation continues after a failed question.
    assert_eq!(endings[1].answer(), Some("fine"));
    let server = MockServer::start("fine");
    let (endings, _) = converse(&server, &["wörd ".repeat(10_000).as_str()]);
    let Ending::Failed { reason: FailReason::Model { kind, message }, .. } = &endings[0] else {
        panic!("{:?}", endings[0])
    };
    assert_eq!(*kind, FailureKind::ContextLength, "{message}");
    assert!(server.prompts().is_empty(), "the engine never saw it");
}

#[test]
fn a_model_that_the_server_does_not_have_is_refused_before_the_first_question() {
    let server = MockServer::start("fine");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut config = endpoint(&server);
    config.name = Some("other".to_owned());
    let error = runtime.block_on(OpenAi::connect(&config)).expect_err("there is only `mock`");
    assert!(matches!(&error, Error::UnknownModel { known, .. } if known == &["mock"]), "{error}");
    assert!(error.is_bad_input() && error.to_string().contains("found the models [mock], expected other"));
    config.name = Some("mock".to_owned());
    runtime.block_on(OpenAi::connect(&config)).expect("connects");
    drop(server);
    let error = runtime.block_on(OpenAi::connect(&config)).expect_err("nobody is there");
    assert!(matches!(error, Error::Unreachable(_)) && error.is_bad_input(), "{error}");
}

/// A folder with an agent and `count` questions, whose answers are right.
fn questions(folder: &Path, count: usize) {
    let lines = (1..=count).map(|number| {
        format!(
            "{{\"id\": \"q{number}\", \"question\": \"What is {number}*34?\", \"answer\": {}}}\n",
            number * 34
        )
    });
    std::fs::write(folder.join("q.jsonl"), lines.collect::<String>()).expect("writes");
    let config = "tools = [\"Calculator\"]\n[questions]\npath = \"q.jsonl\"\nout = \"out\"\n";
    std::fs::write(folder.join("a.toml"), config).expect("writes");
}

#[test]
fn a_whole_batch_is_right_and_replays() {
    let server = MockServer::start(trained());
    let folder = tempfile::tempdir().expect("temporary folder");
    questions(folder.path(), 12);
    let set = format!("model.base-url={}", server.url());
    let ran = lagent(folder.path(), &["run", "a.toml", "--set", &set]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let summary: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    for (key, expected) in
        [("agent_accuracy", 100), ("questions", 12), ("tool_calls", 12), ("parse_errors", 0)]
    {
        assert_eq!(summary[key].as_f64(), Some(f64::from(expected)), "{key}: {summary}");
    }
    let replayed = lagent(folder.path(), &["replay", "out/transcripts.jsonl"]);
    assert_eq!(replayed.stdout, "12 runs, 48 events, 72 commands: identical\n", "{}", replayed.stderr);
}

#[test]
fn chat_streams_from_the_real_server() {
    let server = MockServer::start(trained());
    let folder = tempfile::tempdir().expect("temporary folder");
    questions(folder.path(), 1);
    let set = format!("model.base-url={}", server.url());
    let chat = program(folder.path()).with_input("What is 12*34?\n");
    let ran = chat.run(["chat", "a.toml", "--set", &set]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(ran.stdout, "\n[Calculator {\"expression\":\"12*34\"}]\n[-> 408]\nThe answer is 408.\n");
}
