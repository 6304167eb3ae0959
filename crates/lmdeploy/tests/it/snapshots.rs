//! Texts that people and programs read, whole: settings, bodies, events, metrics.

use internlm_kit::config::Validate;
use lmdeploy::config::DeployConfig;
use lmdeploy::protocol::{ChatRequest, StreamOptions, ToolDefinition};
use serde_json::Value;

use crate::fixture::{Served, ask, mock, run};

#[test]
fn the_default_settings() {
    let config = DeployConfig::new("path/to/model");
    assert_eq!(config.problems(), Vec::<String>::new());
    insta::assert_json_snapshot!(config);
}

#[test]
fn all_problems_of_the_settings() {
    let text = "
        [model]
        path = 'm'
        device = 'cuda:0'
        backend = 'turbomind'
        [engine]
        max-batch-size = 64
        max-prefill-token-num = 8
        session-len = 0
        cache-block-seq-len = 24
        threads = 0
        dtype = 'bfloat16'
        [queue]
        aging = -1.0
        [server]
        drain-timeout = 1e300
        [sampling]
        temperature = -1.0
        [bench]
        requests = 0
        input-words = [9, 2]
        rate = 0.0
    ";
    let config: DeployConfig =
        internlm_kit::config::parse_unchecked(text, "d.toml", &[""; 0]).expect("parses");
    insta::assert_snapshot!(config.problems().join("\n"));
    let half = "[model]\npath = 'm'\nbackend = 'burn'\n[engine]\ndtype = 'float16'\n";
    let config: DeployConfig =
        internlm_kit::config::parse_unchecked(half, "d.toml", &[""; 0]).expect("parses");
    let problem = "engine.dtype: found float16, expected auto or float32 for backend burn on the CPU";
    assert_eq!(config.problems(), [problem]);
}

/// Replaces what differs from run to run: times, and the numbers in names that are made of them.
fn stable(text: &str) -> String {
    let mut text = text.to_owned();
    for (start, end, word) in [
        ("\"created\":", ",", "TIME"),
        ("\"chatcmpl-", "\"", "NAME"),
        ("\"cmpl-", "\"", "NAME"),
        ("\"call_", "\"", "NAME"),
        ("\"system_fingerprint\":\"b", "\"", "UILD"),
    ] {
        let mut rest = text.as_str();
        let mut out = String::new();
        while let Some((before, after)) = rest.split_once(start) {
            out = out + before + start + word;
            rest = &after[after.find(end).unwrap_or(after.len())..];
        }
        text = out + rest;
    }
    text
}

/// The bytes of an answer to `body`.
async fn post(served: &Served, route: &str, body: &Value) -> String {
    let answer =
        served.http.post(format!("{}{route}", served.url)).json(body).send().await.expect("an answer");
    stable(&answer.text().await.expect("text"))
}

fn json(request: &ChatRequest) -> Value {
    serde_json::to_value(request).expect("writes")
}

#[test]
fn a_chat_answer_and_its_stream() {
    run(async {
        let call =
            "one <|action_start|><|plugin|>\n{\"name\": \"add\", \"parameters\": {\"a\": 1}}<|action_end|>";
        let served = Served::start(mock(call));
        let tools = [ToolDefinition::function("add", "Adds.", serde_json::json!({"type": "object"}))];
        let request = ask("1+1?").with_tools(tools);
        insta::assert_snapshot!("chat_answer", post(&served, "/v1/chat/completions", &json(&request)).await);
        let served = Served::start(mock("one two"));
        let mut request = ask("1+1?");
        request.stream = Some(true);
        request.stream_options = Some(StreamOptions { include_usage: true, ..StreamOptions::default() });
        let text = post(&served, "/v1/chat/completions", &json(&request)).await;
        // How many tokens one event holds depends on the reader; the text of all of them does not.
        let events: Vec<&str> = text.split_terminator("\n\n").collect();
        let [texts @ .., end, usage, done] = events.as_slice() else { panic!("{text}") };
        assert!(
            !texts.is_empty() && texts.iter().all(|event| event.contains("\"finish_reason\":null")),
            "{text}"
        );
        insta::assert_snapshot!("chat_stream_end", [*end, *usage, *done].join("\n\n"));
    });
}

#[test]
fn a_scored_prompt() {
    run(async {
        let served = Served::start(mock("x"));
        let body = serde_json::json!({"prompt": "the fox", "echo": true, "logprobs": 1, "max_tokens": 0});
        insta::assert_snapshot!(post(&served, "/v1/completions", &body).await);
    });
}

#[test]
fn the_other_routes() {
    run(async {
        let served = Served::start(mock("hi"));
        let mut page = String::new();
        for route in ["/v1/models", "/v1/models/gpt-9", "/v2", "/v1/completions", "/health", "/metrics"] {
            let answer = served.http.get(format!("{}{route}", served.url)).send().await.expect("an answer");
            let status = answer.status();
            page += &format!("GET {route}: {status}\n{}\n\n", stable(&answer.text().await.expect("text")));
        }
        insta::assert_snapshot!(page);
    });
}
