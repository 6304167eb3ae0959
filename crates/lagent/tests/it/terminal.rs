//! The `lagent` binary as a user runs it.

use std::path::Path;

use internlm_kit::testing::{Program, Ran};

use crate::batch::questions;
use crate::server::calculator;

/// The binary in `folder`.
pub(crate) fn program(folder: &Path) -> Program {
    Program::new(env!("CARGO_BIN_EXE_lagent"), folder)
}

/// Runs the binary in `folder` without input.
pub(crate) fn lagent(folder: &Path, arguments: &[&str]) -> Ran {
    program(folder).run(arguments)
}

#[test]
fn chat_streams_and_shows_calls() {
    let server = calculator();
    let folder = tempfile::tempdir().expect("temporary folder");
    std::fs::write(folder.path().join("a.toml"), "tools = [\"Calculator\"]\n").expect("writes");
    let set = format!("model.base-url={}", server.url());
    let input = "What is 12 x 34?\nWhat is 1/0?\n";
    let ran = program(folder.path()).with_input(input).run(["chat", "a.toml", "--set", &set]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(
        ran.stdout,
        "\n[Calculator {\"expression\":\"12 x 34\"}]\n[-> 408]\nThe answer is 408.\n\
         \n[Calculator {\"expression\":\"1/0\"}]\n[-> error: position 2: division by zero]\n\
         The answer is error: position 2: division by zero.\n"
    );
}

#[test]
fn an_empty_line_asks_nothing_and_only_exit_ends_the_conversation() {
    let server = calculator();
    let folder = tempfile::tempdir().expect("temporary folder");
    std::fs::write(folder.path().join("a.toml"), "tools = [\"Calculator\"]\n").expect("writes");
    let set = format!("model.base-url={}", server.url());
    let input = "\n\nWhat is 12 x 34?\n\n/exit\nWhat is 1 + 1?\n";
    let ran = program(folder.path()).with_input(input).run(["chat", "a.toml", "--set", &set]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(ran.stdout, "\n[Calculator {\"expression\":\"12 x 34\"}]\n[-> 408]\nThe answer is 408.\n");
}

#[test]
fn a_person_decides_about_calls_that_need_approval() {
    let server = calculator();
    let folder = tempfile::tempdir().expect("temporary folder");
    let config = "tools = [\"Calculator\"]\napproval = \"always\"\n";
    std::fs::write(folder.path().join("a.toml"), config).expect("writes");
    let set = format!("model.base-url={}", server.url());
    for (decision, answer) in [
        ("y", "[-> 408]\nThe answer is 408.\n"),
        (
            "n",
            "[-> The call was refused: the user said no]\nThe answer is The call was refused: the user said no.\n",
        ),
        ("", "[-> The call was refused: the user said no]\n"),
    ] {
        let input = format!("What is 12 x 34?\n{decision}\n");
        let ran = program(folder.path()).with_input(input).run(["chat", "a.toml", "--set", &set]);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        assert!(
            ran.stderr.contains("allow Calculator {\"expression\":\"12 x 34\"}? [y/N]"),
            "{}",
            ran.stderr
        );
        assert!(ran.stdout.contains(answer), "{decision}: {}", ran.stdout);
        // A call that waits for approval is not shown as if it had been made.
        assert_eq!(ran.stdout.contains("\n[Calculator"), decision == "y", "{}", ran.stdout);
    }
}

#[test]
fn tools_are_listed_and_called() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let ran = lagent(folder.path(), &["tools", "list"]);
    assert!(ran.stdout.contains("Calculator           ready"), "{}", ran.stdout);
    assert!(ran.stdout.contains("PythonInterpreter"), "{}", ran.stdout);
    let json = lagent(folder.path(), &["tools", "list", "--json"]);
    let first: serde_json::Value =
        serde_json::from_str(json.stdout.lines().next().expect("two lines")).expect("JSON");
    assert_eq!((&first["name"], &first["parameters"]["type"]), (&"Calculator".into(), &"object".into()));
    let call = |arguments: &str| lagent(folder.path(), &["tools", "call", "Calculator", arguments]);
    let good = call("{\"expression\": \"12 * 34\"}");
    assert_eq!((good.code, good.stdout.as_str()), (Some(0), "408\n"));
    let failed = call("{\"expression\": \"1 / 0\"}");
    assert_eq!((failed.code, failed.stdout.as_str()), (Some(1), ""));
    assert_eq!(failed.stderr, "error: Calculator: error: position 3: division by zero\n");
}

#[test]
fn the_sandbox_can_be_tried() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let check = lagent(folder.path(), &["sandbox", "check"]);
    assert_eq!(check.code, Some(0), "{}", check.stderr);
    assert!(
        check.stdout.contains("network") && check.stdout.contains("process      works"),
        "{}",
        check.stdout
    );
    let sorted = program(folder.path()).with_input("b\na\n").run(["sandbox", "exec", "--", "sort"]);
    assert_eq!((sorted.code, sorted.stdout.as_str()), (Some(0), "a\nb\n"), "{}", sorted.stderr);
}

#[test]
fn a_reader_that_leaves_ends_a_verb_quietly() {
    let server = calculator();
    let folder = questions();
    let set = format!("model.base-url={}", server.url());
    let program = program(folder.path()).with_input("What is 12 x 34?\n");
    program.check_closed_output_of_every_verb(&[
        &["run", "a.toml", "--set", &set],
        &["replay", "out/transcripts.jsonl"],
        &["chat", "a.toml", "--set", &set],
        &["tools", "list"],
        &["tools", "call", "Calculator", "{\"expression\": \"1\"}"],
        &["sandbox", "check"],
        &["sandbox", "exec", "--", "sort"],
    ]);
}

#[test]
fn every_verb_explains_itself() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let mut texts = Vec::new();
    for verb in [
        &["--help"][..],
        &["run", "--help"],
        &["chat", "--help"],
        &["tools", "list", "--help"],
        &["tools", "call", "--help"],
        &["replay", "--help"],
        &["sandbox", "check", "--help"],
        &["sandbox", "exec", "--help"],
    ] {
        let ran = lagent(folder.path(), verb);
        assert_eq!(ran.code, Some(0), "{verb:?}");
        assert!(ran.stdout.contains("Example"), "{verb:?}: {}", ran.stdout);
        texts.push(format!("$ lagent {}\n{}", verb.join(" "), ran.stdout));
    }
    insta::assert_snapshot!(texts.join("\n"));
}
