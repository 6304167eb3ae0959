//! `lmdeploy chat` through pipes, against a mock server: what it sends and what it shows.

use internlm_kit::testing::Ran;
use lmdeploy::testing::{MockModel, MockServer};

use crate::binary::lmdeploy;
use crate::client::scripted;

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
