//! `lmdeploy chat` through pipes, against a mock server: what it sends and what it shows.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use internlm_kit::testing::Ran;
use lmdeploy::testing::{MockModel, MockServer};

use crate::binary::lmdeploy;
use crate::client::scripted;
use crate::fixture::tiny_model;

/// An answer that says something and calls a tool.
const CALL: &str =
    "Let me see.<|action_start|><|plugin|>\n{\"name\": \"add\", \"parameters\": {\"a\": 1}}<|action_end|>";

/// A chat with the lines of `input`.
fn chat(server: &MockServer, arguments: &[&str], input: &str) -> Ran {
    lmdeploy().with_input(input).run([&["chat", "--api-url", server.url()], arguments].concat())
}

/// The turns of a prompt as the model sees them.
fn turns(turns: &[(&str, &str)]) -> String {
    let turns = turns.iter().map(|(role, text)| format!("<|im_start|>{role}\n{text}<|im_end|>\n"));
    format!("<s>{}<|im_start|>assistant\n", turns.collect::<String>())
}

#[test]
fn a_conversation_grows_until_it_is_forgotten() {
    let server = MockServer::start(["one", "two", "three"]);
    let ran = chat(
        &server,
        &["--system", "Be brief."],
        "first\nline two\n\nsecond\n\nend\n\nthird\n\nexit\n\nnever\n",
    );
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "one\ntwo\nthree\n"), "{ran:?}");
    let system = ("system", "Be brief.");
    let first = ("user", "first\nline two");
    assert_eq!(
        server.prompt_texts(),
        [
            turns(&[system, first]),
            turns(&[system, first, ("assistant", "one"), ("user", "second")]),
            turns(&[system, ("user", "third")]),
        ]
    );
}

#[test]
fn the_calls_of_an_answer_stay_in_the_conversation() {
    let server = MockServer::start([CALL, "done"]);
    let ran = chat(&server, &[], "hi\n\nand now?\n");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let expected = turns(&[("user", "hi"), ("assistant", CALL), ("user", "and now?")]);
    assert_eq!(server.prompt_texts()[1], expected);
}

#[test]
fn a_server_that_is_gone_after_its_first_answer_is_exit_code_1() {
    let answer = "data: {\"choices\": [{\"delta\": {\"content\": \"one\"}}]}\n\ndata: [DONE]\n\n";
    let (url, server) = scripted(&[("200 OK\r\ncontent-type: text/event-stream", answer)]);
    let ran = lmdeploy().with_input("first\n\nsecond\n").run(["chat", "--api-url", &url]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), "one\n"), "{ran:?}");
    assert!(ran.stderr.contains(&url), "{ran:?}");
    server.join().expect("the server ends");
}

#[test]
fn options_reach_the_server() {
    let server = MockServer::start("the quick brown fox");
    for (arguments, expected) in [
        (&["--stop", "brown"][..], "the quick "),
        (&["--stop", "x", "--stop", "ick"], "the qu"),
        (&["--max-tokens", "1"], "the"),
        (&["--temperature", "2", "--top-p", "0.5", "--seed", "-7"], "the quick brown fox"),
    ] {
        let ran = chat(&server, arguments, "hi\n");
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), format!("{expected}\n").as_str()), "{ran:?}");
    }
    for (arguments, word) in
        [(&["--temperature", "3"], "temperature: found 3"), (&["--top-p", "0"], "top_p: found 0")]
    {
        let ran = chat(&server, arguments, "hi\n");
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{ran:?}");
        assert!(ran.stderr.contains(word), "{ran:?}");
    }
}

#[test]
fn calls_are_shown_and_json_has_one_line_per_answer() {
    let server = MockServer::start(MockModel::from(CALL));
    let ran = chat(&server, &[], "hi\n");
    assert_eq!(ran.stdout, "Let me see.[call add {\"a\":1}]\n\n", "{ran:?}");
    let ran = chat(&server, &["--json"], "hi\n\nend\n\nagain\n");
    let lines: Vec<serde_json::Value> =
        ran.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.len(), 2, "{ran:?}");
    assert!(lines.iter().all(|line| line["content"] == "Let me see."), "{ran:?}");
    assert_eq!(lines[0]["tool_calls"][0]["function"]["arguments"], "{\"a\":1}");
    assert_eq!(lines[0]["finish_reason"], "tool_calls");
}

#[test]
fn an_answer_that_was_cut_off_is_told_from_a_whole_one() {
    let server = MockServer::start("the quick brown fox");
    let cases = [(&["--max-tokens", "2"][..], "length"), (&["--max-tokens", "40"], "stop"), (&[], "stop")];
    for (arguments, reason) in cases {
        let ran = chat(&server, &[arguments, &["--json"]].concat(), "hi\n");
        let line: serde_json::Value = serde_json::from_str(&ran.stdout).expect("one line of JSON");
        assert_eq!(line["finish_reason"], reason, "{ran:?}");
        let ran = chat(&server, arguments, "hi\n");
        assert_eq!(ran.stderr.contains("[stopped at --max-tokens]"), reason == "length", "{ran:?}");
    }
}

#[test]
fn the_address_may_end_with_v1_as_other_clients_write_it() {
    let server = MockServer::start("one");
    let url = format!("{}/v1", server.url());
    let ran = lmdeploy().with_input("hi\n").run(["chat", "--api-url", &url]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "one\n"), "{ran:?}");
    let ran = lmdeploy().run(["bench", "serving", "--url", &url, "--requests", "1", "--max-tokens", "1"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

#[test]
fn json_has_the_token_counts_and_the_reasoning_and_text_only_the_answer() {
    let chunks = [
        r#"{"choices": [{"delta": {"reasoning_content": "hm"}}]}"#,
        r#"{"choices": [{"delta": {"content": "four"}, "finish_reason": "stop"}]}"#,
        r#"{"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}}"#,
        "[DONE]",
    ];
    let body = chunks.map(|chunk| format!("data: {chunk}\n\n")).concat();
    let answer = ("200 OK\r\ncontent-type: text/event-stream", body.as_str());
    let (url, server) = scripted(&[answer, answer]);
    let ran = lmdeploy().with_input("2+2?\n").run(["chat", "--json", "--api-url", &url]);
    let line: serde_json::Value = serde_json::from_str(&ran.stdout).expect("one line of JSON");
    assert_eq!((&line["content"], &line["reasoning_content"]), (&"four".into(), &"hm".into()), "{ran:?}");
    assert_eq!(line["usage"]["total_tokens"].as_u64(), Some(5));
    let ran = lmdeploy().with_input("2+2?\n").run(["chat", "--api-url", &url]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "four\n"), "{ran:?}");
    server.join().expect("the server ends");
}

#[test]
fn an_answer_of_a_model_in_this_process_is_counted_too() {
    let folder = tempfile::tempdir().expect("a folder");
    tiny_model(folder.path());
    let model = folder.path().display().to_string();
    let options = ["--json", "--temperature", "0", "--max-tokens", "4"];
    let ran = lmdeploy().with_input("hi\n").run([&["chat", &model], &options[..]].concat());
    let line: serde_json::Value = serde_json::from_str(&ran.stdout).expect("one line of JSON");
    let usage = &line["usage"];
    let counts = ["prompt_tokens", "completion_tokens"].map(|name| usage[name].as_u64().expect("a number"));
    assert!(counts[0] > 0 && (1..=4).contains(&counts[1]), "{ran:?}");
    assert_eq!(usage["total_tokens"].as_u64(), Some(counts[0] + counts[1]));
}

#[test]
fn the_system_message_can_be_replaced_and_removed() {
    let server = MockServer::start("one");
    let input = "/system Be kind.\nAlways.\n\nfirst\n\n/system\n\nsecond\n\nend\n\nthird\n";
    let ran = chat(&server, &["--system", "Be brief."], input);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "one\none\none\n"), "{ran:?}");
    let first = ("user", "first");
    assert_eq!(
        server.prompt_texts(),
        [
            turns(&[("system", "Be kind.\nAlways."), first]),
            turns(&[first, ("assistant", "one"), ("user", "second")]),
            turns(&[("user", "third")]),
        ]
    );
}

#[test]
fn a_conversation_is_saved_and_continued_later() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("chat.json");
    let (save, load) = (format!("/save {}", path.display()), format!("/load {}", path.display()));
    let server = MockServer::start("one");
    let ran = chat(&server, &["--system", "Be brief."], &format!("first\n\n{save}\n"));
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "one\n"), "{ran:?}");
    let saved: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&path).expect("reads")).expect("JSON");
    let expected = serde_json::json!([
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": "one"},
    ]);
    assert_eq!(saved, expected);
    let ran = chat(&server, &[], &format!("{load}\n\nsecond\n\n/tokens\n"));
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "one\n"), "{ran:?}");
    let conversation = [("system", "Be brief."), ("user", "first"), ("assistant", "one"), ("user", "second")];
    assert_eq!(server.prompt_texts()[1], turns(&conversation));
    assert!(
        ran.stderr.contains("the conversation has ") && ran.stderr.contains("the last answer"),
        "{ran:?}"
    );
}

#[test]
fn a_command_that_fails_ends_a_pipe_and_is_not_sent() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("chat.json");
    std::fs::write(&path, "[{\"role\": \"user\"},\n{\"role\": \"king\"}]").expect("writes");
    let server = MockServer::start("one");
    for (command, parts) in [
        ("/sav x".to_owned(), &["`/sav`", "/save"][..]),
        ("/save".to_owned(), &["/save: found nothing"]),
        (format!("/load {}", path.display()), &["chat.json: [1].role: ", "king"]),
        (format!("/load {}.absent", path.display()), &["chat.json.absent: cannot read"]),
    ] {
        let ran = chat(&server, &[], &format!("{command}\n\nhi\n"));
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{ran:?}");
        assert!(parts.iter().all(|part| ran.stderr.contains(part)), "{ran:?}");
    }
    let ran = chat(&server, &[], "/usr/bin is what?\n\n /sav x\n");
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "one\none\n"), "these are messages: {ran:?}");
    let ran = lmdeploy().with_input([b'h', 0xff, b'\n']).run(["chat", "--api-url", server.url()]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{ran:?}");
    assert!(ran.stderr.contains("standard input: cannot read: line 1"), "{ran:?}");
}

#[test]
fn options_of_a_model_and_of_a_server_exclude_each_other() {
    let url = "http://127.0.0.1:9";
    for arguments in [
        &["chat", "--api-url", url, "--threads", "2"][..],
        &["chat", "--api", url, "--device", "cuda:0"],
        &["chat", "model", "--api-key", "secret"],
        &["chat", "model", "--model-name", "tiny"],
    ] {
        let ran = lmdeploy().run(arguments);
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(ran.stderr.contains(arguments[arguments.len() - 2]), "{ran:?}");
    }
}

#[test]
fn the_server_may_be_asked_for_a_model_by_its_name() {
    let server = MockServer::start(MockModel::from("one").with_name("tiny"));
    let ran = chat(&server, &["--model-name", "tiny"], "hi\n\n/tokens\n");
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "one\n"), "{ran:?}");
    let ran = chat(&server, &["--model-name", "other"], "hi\n");
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("The model 'other' does not exist."), "{ran:?}");
}

/// A chat that is still running; it is killed when a test fails.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Gone already when the test waited for it.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    fn interrupt(&self) {
        let ran = Command::new("kill").args(["-INT", &self.0.id().to_string()]).status();
        assert!(ran.expect("runs").success());
    }
}

#[test]
fn an_interrupt_drops_the_turn_and_another_one_says_how_to_leave() {
    let text = "the quick brown fox jumps over the lazy dog";
    let slow = MockModel::from(text).with_delay(Duration::from_millis(200));
    let server = MockServer::start(slow);
    let mut running = Running(
        Command::new(env!("CARGO_BIN_EXE_lmdeploy"))
            .args(["chat", "--api-url", server.url()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("starts"),
    );
    let mut stdin = running.0.stdin.take().expect("a pipe");
    let mut stdout = BufReader::new(running.0.stdout.take().expect("a pipe"));
    let mut stderr = BufReader::new(running.0.stderr.take().expect("a pipe"));
    stdin.write_all(b"first\n\n").expect("writes");
    while server.prompts().is_empty() {
        std::thread::sleep(Duration::from_millis(5));
    }
    running.interrupt();
    let mut line = String::new();
    stdout.read_line(&mut line).expect("reads");
    let begun = line.trim_end();
    assert!(text.starts_with(begun) && begun != text, "the answer is cut off: {line}");
    running.interrupt();
    line.clear();
    while !line.contains("leaves") {
        assert!(stderr.read_line(&mut line).expect("reads") > 0, "{line}");
    }
    stdin.write_all(b"second\n\n").expect("writes");
    drop(stdin);
    line.clear();
    stdout.read_to_string(&mut line).expect("reads");
    assert_eq!(line, format!("{text}\n"));
    assert!(running.0.wait().expect("ends").success());
    assert_eq!(server.prompt_texts(), [turns(&[("user", "first")]), turns(&[("user", "second")])]);
}
