//! `lagent replay` and `lagent transcript` as a user runs them, and transcripts of chats.

use internlm_kit::testing::shared_data;
use serde_json::Value;

use crate::batch::questions;
use crate::server::{CHAT, calculator};
use crate::terminal::{lagent, program};

/// A folder with the results of a whole batch.
fn finished() -> tempfile::TempDir {
    let server = calculator();
    let folder = questions();
    let set = format!("model.base-url={}", server.url());
    let ran = lagent(folder.path(), &["run", "a.toml", "--set", &set]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    folder
}

#[test]
fn calls_are_made_again_on_demand() {
    let folder = finished();
    let ran = lagent(folder.path(), &["replay", "out/transcripts.jsonl", "--live-tools"]);
    let expected = "20 runs, 80 events, 120 commands: identical\n20 calls made again, 0 results changed\n";
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), expected), "{}", ran.stderr);
    let ran =
        lagent(folder.path(), &["replay", "out/transcripts.jsonl", "--live-tools", "--agent", "a.toml"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), expected), "{}", ran.stderr);
}

#[test]
fn transcripts_are_compared_and_exported() {
    let folder = finished();
    let path = folder.path().join("out/transcripts.jsonl");
    let text = std::fs::read_to_string(&path).expect("is written");
    std::fs::write(folder.path().join("b.jsonl"), text.replacen("The answer is 34.", "The answer is 35.", 1))
        .expect("writes");
    let same =
        lagent(folder.path(), &["transcript", "diff", "out/transcripts.jsonl", "out/transcripts.jsonl"]);
    assert_eq!((same.code, same.stdout.as_str()), (Some(0), "no differences\n"), "{}", same.stderr);
    let other = lagent(folder.path(), &["transcript", "diff", "out/transcripts.jsonl", "b.jsonl"]);
    assert_eq!(other.code, Some(1), "{}", other.stderr);
    assert!(other.stdout.starts_with("run q1:\n  out/transcripts.jsonl: line "), "{}", other.stdout);
    let export = |format: &str| {
        let ran =
            lagent(folder.path(), &["transcript", "export", "out/transcripts.jsonl", "--format", format]);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        ran.stdout
    };
    assert!(export("markdown").contains("**Call of Calculator**"));
    assert!(export("html").starts_with("<!doctype html>"));
    let samples = export("sft");
    assert_eq!(samples.lines().count(), 20);
    let sample: Value = serde_json::from_str(samples.lines().next().expect("20 lines")).expect("JSON");
    assert_eq!(sample["messages"][2]["role"], "tool");
}

#[test]
fn recordings_of_lagent_become_transcripts() {
    let Some(recordings) = shared_data("golden/lagent") else { return };
    let folder = tempfile::tempdir().expect("temporary folder");
    for name in [
        "autogpt_finish",
        "internlm2_plugin_interpreter",
        "react_cibench_ipython",
        "react_cn_noaction",
        "rewoo_two_steps",
    ] {
        let recording = recordings.join(format!("{name}.json")).display().to_string();
        let ran = lagent(folder.path(), &["transcript", "import", &recording, "--output", "t.jsonl"]);
        assert_eq!(ran.code, Some(0), "{name}: {}", ran.stderr);
        let ran = lagent(folder.path(), &["replay", "t.jsonl"]);
        assert!(ran.stdout.starts_with("1 runs, "), "{name}: {}", ran.stderr);
    }
}

#[test]
fn a_chat_continues_from_its_transcript() {
    let server = calculator();
    let folder = tempfile::tempdir().expect("temporary folder");
    std::fs::write(folder.path().join("a.toml"), "tools = [\"Calculator\"]\n").expect("writes");
    let set = format!("model.base-url={}", server.url());
    let arguments = ["chat", "a.toml", "--set", &set, "--transcript", "t.jsonl"];
    let ask = |question: &str| {
        let ran = program(folder.path()).with_input(question).run(arguments);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        ran.stdout
    };
    assert!(ask("What is 12 x 34?\n").ends_with("The answer is 408.\n"));
    assert!(ask("What is 1 + 1?\n").ends_with("The answer is 2.\n"));
    let replayed = lagent(folder.path(), &["replay", "t.jsonl"]);
    assert_eq!(replayed.stdout, "1 runs, 8 events, 12 commands: identical\n", "{}", replayed.stderr);
    let requests = server.requests();
    let last = requests.iter().rev().find(|request| request.path == CHAT).expect("was asked");
    assert_eq!(last.body["messages"].as_array().map(Vec::len), Some(7), "the first question is remembered");
    // Another agent does not take over the conversation.
    let other = program(folder.path()).run([&arguments[..], &["--set", "limits.max-turn=9"]].concat());
    assert_eq!(other.code, Some(2), "{}", other.stderr);
    assert!(other.stderr.contains("t.jsonl: found the conversation of another agent"), "{}", other.stderr);
}

#[test]
fn a_chat_that_was_killed_asks_before_it_repeats_a_call() {
    let server = calculator();
    let folder = tempfile::tempdir().expect("temporary folder");
    std::fs::write(folder.path().join("a.toml"), "tools = [\"Calculator\"]\n").expect("writes");
    let set = format!("model.base-url={}", server.url());
    let arguments = ["chat", "a.toml", "--set", &set, "--transcript", "t.jsonl"];
    let ran = program(folder.path()).with_input("What is 12 x 34?\n").run(arguments);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let path = folder.path().join("t.jsonl");
    let whole = std::fs::read_to_string(&path).expect("is written");
    let call = whole.find("{\"event\":{\"type\":\"tool\"").expect("a result");
    for (decision, answer) in
        [("y", "[-> 408]\nThe answer is 408.\n"), ("n", "the outcome of this call is unknown")]
    {
        std::fs::write(&path, &whole[..call]).expect("writes");
        let ran = program(folder.path()).with_input(format!("{decision}\n")).run(arguments);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        assert!(ran.stderr.contains("nobody knows its outcome: Calculator"), "{}", ran.stderr);
        assert!(ran.stdout.contains(answer), "{decision}: {}", ran.stdout);
        let replayed = lagent(folder.path(), &["replay", "t.jsonl"]);
        assert_eq!(replayed.code, Some(0), "{}", replayed.stderr);
    }
}

#[test]
fn secrets_do_not_reach_the_disk() {
    let server = calculator();
    let folder = questions();
    std::fs::write(folder.path().join("key"), "x 34\n").expect("writes");
    let set = format!("model.base-url={}", server.url());
    let ran = lagent(folder.path(), &["run", "a.toml", "--set", &set, "--set", "model.api-key-file=key"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let text = std::fs::read_to_string(folder.path().join("out/transcripts.jsonl")).expect("is written");
    assert!(text.contains("What is 12 ***?") && !text.contains("x 34"), "{text}");
    let predictions =
        std::fs::read_to_string(folder.path().join("out/predictions.jsonl")).expect("is written");
    assert!(predictions.contains("What is 12 ***?") && !predictions.contains("x 34"), "{predictions}");
    let replayed = lagent(folder.path(), &["replay", "out/transcripts.jsonl"]);
    assert_eq!(replayed.code, Some(0), "{}", replayed.stderr);
}
