//! Runs against a scripted server: failures, kills, and what is sent.

use std::fs;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use internlm_kit::testing::{Request, Response, TestServer};
use serde_json::{Value, json};

use crate::runs::{Bench, told};

fn set(url: &str) -> Vec<String> {
    ["model.kind=api".to_owned(), format!("model.base-url={url}"), "model.retries=0".to_owned()]
        .into_iter()
        .flat_map(|text| ["--set".to_owned(), text])
        .collect()
}

fn run(bench: &Bench, url: &str, more: &[&str]) -> (Option<i32>, String) {
    let set = set(url);
    let arguments: Vec<&str> =
        ["run.toml"].into_iter().chain(set.iter().map(String::as_str)).chain(more.iter().copied()).collect();
    told(&bench.run(&arguments))
}

fn json_file(bench: &Bench, name: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(bench.path(name)).expect("reads")).expect("JSON")
}

/// Answers `1 + 1` rightly, everything else with 0; prefers texts with many `b`.
fn answers(request: &Request) -> Response {
    let body = &request.body;
    match request.path.as_str() {
        "/v1/models" => Response::models(512),
        "/v1/chat/completions" => {
            let question = body["messages"].as_array().and_then(|list| list.last()).expect("messages");
            let right = question["content"] == "1 + 1";
            Response::chat(if right { "That is 2." } else { "0" }, Value::Null)
        }
        "/v1/completions" => {
            assert_eq!(
                (&body["max_tokens"], &body["echo"], &body["logprobs"]),
                (&json!(0), &json!(true), &json!(0))
            );
            scored(&body["prompt"], 'b')
        }
        _ => Response::Json(404, json!({ "error": { "message": "no such route" } })),
    }
}

/// Log-probabilities of a prompt: `<s>` and one token per character, each of probability one half; `favorite`
/// characters are certain.
fn scored(prompt: &Value, favorite: char) -> Response {
    let text = prompt.as_str().unwrap_or_default();
    let tokens: Vec<String> =
        std::iter::once("<s>".to_owned()).chain(text.chars().map(String::from)).collect();
    let log_probs = tokens.iter().enumerate().map(|(index, token)| match index {
        0 => Value::Null,
        _ if token.starts_with(favorite) => json!(0.0),
        _ => json!(0.5_f64.ln()),
    });
    let log_probs: Vec<Value> = log_probs.collect();
    let log_probs =
        json!({ "tokens": tokens, "token_logprobs": log_probs, "top_logprobs": null, "text_offset": [] });
    let choice = json!({ "index": 0, "text": text, "logprobs": log_probs, "finish_reason": "length" });
    Response::Json(200, json!({ "choices": [choice] }))
}

#[test]
fn scores_that_do_not_tell_labels_apart_are_marked_and_warned_of() {
    for (favorite, mark, ties) in [('\0', "?", json!("4 of 4")), ('b', "", Value::Null)] {
        let bench = Bench::new(4);
        let server = TestServer::start(move |request: &Request| match request.path.as_str() {
            "/v1/completions" => scored(&request.body["prompt"], favorite),
            _ => answers(request),
        });
        let set = set(server.url());
        let arguments = ["run.toml", "--datasets", "pick"].into_iter().chain(set.iter().map(String::as_str));
        let output = bench.run(&arguments.collect::<Vec<_>>());
        let (code, stderr) = told(&output);
        let table = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(code, Some(0), "{stderr}");
        assert!(table.trim_end().ends_with(&format!("50.00{mark}")), "{table}");
        assert_eq!(json_file(&bench, "out/results/mock/pick.json")["ties"], ties);
        assert_eq!(stderr.contains("mock x pick: 4 of 4 items are ties"), !mark.is_empty(), "{stderr}");
    }
}

#[test]
fn answers_that_the_limit_ended_are_marked_and_warned_of() {
    for (reason, cut) in [("length", true), ("stop", false)] {
        let bench = Bench::new(4);
        let server = TestServer::start(move |request: &Request| match request.path.as_str() {
            "/v1/models" => Response::models(512),
            _ => {
                let message = json!({ "role": "assistant", "content": "the answer is" });
                let choice = json!({ "index": 0, "message": message, "finish_reason": reason });
                Response::Json(200, json!({ "choices": [choice] }))
            }
        });
        let set = set(server.url());
        let arguments = ["run.toml", "--datasets", "sums"].into_iter().chain(set.iter().map(String::as_str));
        let (code, stderr) = told(&bench.run(&arguments.collect::<Vec<_>>()));
        assert_eq!(code, Some(0), "{stderr}");
        let warning = "mock x sums: 4 of 4 answers end at infer.max-out-len";
        assert_eq!(stderr.contains(warning), cut, "{stderr}");
        let found = &json_file(&bench, "out/predictions/mock/sums.json")["0"]["finish_reason"];
        assert_eq!(found.as_str(), cut.then_some("length"));
    }
}

#[test]
fn chat_ppl_and_bits_per_byte_over_http() {
    let bench = Bench::new(4);
    let server = TestServer::start(answers);
    let (code, stderr) = run(&bench, server.url(), &[]);
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!(json_file(&bench, "out/results/mock/sums.json")["accuracy"], 25.0);
    // B's text is longer by certain letters, so its mean loss is always lower.
    assert_eq!(json_file(&bench, "out/results/mock/pick.json")["accuracy"], 50.0);
    let item = &json_file(&bench, "out/predictions/mock/pick.json")["0"];
    let prompt = "0 + 1: bb0";
    assert_eq!(item["label: B"]["prompt"], prompt);
    assert_eq!(item["in-context examples"], "");
    let expected = 8.0 * 2_f64.ln() / 11.0;
    assert!((item["label: B"]["PPL"].as_f64().expect("a number") - expected).abs() < 1e-6, "{item}");
    // One bit per character; the dash takes three bytes.
    let texts = json_file(&bench, "out/results/mock/texts.json");
    let bits = texts["bits_per_byte"].as_f64().expect("a number");
    let characters = texts["tokens"].as_f64().expect("a number");
    assert!((bits - characters / texts["bytes"].as_f64().expect("a number")).abs() < 1e-6, "{texts}");
}

#[test]
fn calls_of_tools_are_scored() {
    let bench = Bench::new(3);
    bench.write_calls();
    let server = TestServer::start(|request| match request.path.as_str() {
        "/v1/models" => Response::models(512),
        _ => {
            let body = &request.body;
            let tool = json!({ "name": "Calculator", "description": "d", "parameters": { "type": "object",
                "properties": { "question": { "type": "string" } }, "required": ["question"] } });
            assert_eq!(body["tools"], json!([{ "type": "function", "function": tool }]));
            let question = body["messages"][0]["content"].as_str().expect("text");
            let call = |arguments: Value| json!([{ "id": "1", "type": "function", "function": { "name": "Calculator", "arguments": arguments.to_string() } }]);
            match question {
                "0 + 1" => Response::chat("", call(json!({ "question": "0+1" }))),
                "1 + 1" => Response::chat("", call(json!({ "question": "2+2" }))),
                _ => Response::chat("I would rather not.", Value::Null),
            }
        }
    });
    let (code, stderr) = run(&bench, server.url(), &["--datasets", "calls"]);
    assert_eq!(code, Some(0), "{stderr}");
    let result = json_file(&bench, "out/results/mock/calls.json");
    let near = |value: &Value, expected: f64| (value.as_f64().expect("a number") - expected).abs() < 1e-9;
    assert!(
        near(&result["accuracy"], 200.0 / 3.0) && near(&result["argument_accuracy"], 100.0 / 3.0),
        "{result}"
    );
    assert_eq!(result["details"]["2"]["reason"], "found 0 calls, expected one");
}

#[test]
fn a_server_without_log_probabilities_is_found_out_before_the_run() {
    let bench = Bench::new(2);
    let refused = json!({ "error": { "message": "echo is not supported", "code": 400 } });
    let server = TestServer::start(move |request| match request.path.as_str() {
        "/v1/models" => Response::models(512),
        _ => Response::Json(400, refused.clone()),
    });
    let (code, stderr) = run(&bench, server.url(), &[]);
    assert_eq!(server.count("/v1/chat/completions"), 0, "nothing may be asked");
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("mock x texts") && stderr.contains("echo is not supported"), "{stderr}");
}

#[test]
fn failed_items_are_marked_then_asked_again() {
    let bench = Bench::new(4);
    let luck = Arc::new(AtomicBool::new(false));
    let lucky = Arc::clone(&luck);
    let broken = TestServer::start(move |request| {
        if request.body["messages"][0]["content"] == "2 + 1" && !lucky.load(Ordering::SeqCst) {
            return Response::Json(500, json!({ "error": { "message": "out of luck", "code": 500 } }));
        }
        answers(request)
    });
    let (code, stderr) = run(&bench, broken.url(), &["--datasets", "sums"]);
    assert_eq!(code, Some(3), "{stderr}");
    assert!(stderr.contains("mock x sums: 1 item failed") && stderr.contains("out of luck"), "{stderr}");
    let result = json_file(&bench, "out/results/mock/sums.json");
    assert_eq!((&result["accuracy"], &result["unanswered"]), (&json!(25.0), &json!("1 of 4")));
    let csv = fs::read_to_string(bench.path("out/summary/summary_out.csv")).expect("reads");
    assert!(csv.contains("accuracy,gen,25.00!"), "{csv}");
    luck.store(true, Ordering::SeqCst);
    let (code, stderr) = run(&bench, broken.url(), &["--datasets", "sums"]);
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!(json_file(&bench, "out/results/mock/sums.json")["accuracy"], 25.0);
}

#[test]
fn kill_9_loses_nothing_and_asks_nothing_twice() {
    let bench = Bench::new(24);
    let asked = Arc::new(Mutex::new(Vec::<String>::new()));
    let count = Arc::new(AtomicUsize::new(0));
    let (seen, counter) = (Arc::clone(&asked), Arc::clone(&count));
    let server = TestServer::start(move |request| {
        if request.path == "/v1/chat/completions" {
            let content = request.body["messages"][0]["content"].as_str().expect("text").to_owned();
            seen.lock().expect("no panics").push(content);
            counter.fetch_add(1, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(20));
        }
        answers(request)
    });
    let set = set(server.url());
    let arguments: Vec<&str> = ["run.toml", "--max-num-workers", "1", "--datasets", "sums"]
        .into_iter()
        .chain(set.iter().map(String::as_str))
        .collect();
    let mut child = bench
        .command(&arguments)
        .stderr(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("starts");
    while count.load(Ordering::SeqCst) < 8 {
        thread::sleep(Duration::from_millis(2));
    }
    child.kill().expect("SIGKILL");
    child.wait().expect("ends");
    let output = bench.run(&arguments);
    assert_eq!(told(&output).0, Some(0), "{}", told(&output).1);
    let mut asked = asked.lock().expect("no panics").clone();
    let total = asked.len();
    asked.sort();
    asked.dedup();
    assert_eq!(asked.len(), 24);
    // Only the one request under way at the kill may have been asked again.
    assert!(total <= 25, "{total}");
    assert_eq!(
        json_file(&bench, "out/results/mock/sums.json")["details"].as_object().expect("items").len(),
        24
    );
}
