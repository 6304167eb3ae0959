//! Wrong requests: one clear message each, the right status, and nothing computed.

use lmdeploy::protocol::{ChatRequest, CompletionRequest, StreamOptions};
use serde_json::{Value, json};

use crate::fixture::{Served, mock, run};

/// Route, body, status, words of the message.
const TABLE: &[(&str, &str, u16, &[&str])] = &[
    ("/v1/chat/completions", "", 400, &["request body: found nothing, expected a JSON object"]),
    (
        "/v1/chat/completions",
        "{\"messages\": [}",
        400,
        &["invalid JSON", "found no value at line 1 column 15"],
    ),
    ("/v1/chat/completions", "[]", 400, &["request body: found a list, expected a JSON object"]),
    ("/v1/completions", " [\"m\", \"Hi\", 2]", 400, &["request body: found a list, expected a JSON object"]),
    ("/v1/completions", "7", 400, &["request body: found a number"]),
    ("/v1/completions", " null ", 400, &["request body: found null, expected a JSON object"]),
    ("/v1/chat/completions", "{}", 400, &["messages: found nothing"]),
    ("/v1/chat/completions", "{\"messages\": []} x", 400, &["trailing characters"]),
    ("/v1/chat/completions", "{\"messages\": []}", 400, &["messages: found none"]),
    (
        "/v1/chat/completions",
        "{\"messages\": [{\"role\": \"king\", \"content\": \"\"}]}",
        400,
        &["messages[0].role: found \"king\", expected one of `system`"],
    ),
    (
        "/v1/chat/completions",
        "{\"messages\": [{\"role\": \"user\", \"content\": 3}]}",
        400,
        &["messages[0].content: found 3, expected a string, null or a list"],
    ),
    (
        "/v1/chat/completions",
        "{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"image_url\"}]}]}",
        400,
        &["messages.0.content.0.type", "`text`"],
    ),
    (
        "/v1/chat/completions",
        "{\"messages\": [{\"role\": \"user\", \"tool_calls\": [{\"function\": {\"name\": \"a\"}}]}]}",
        400,
        &["messages.0.tool_calls"],
    ),
    (
        "/v1/chat/completions",
        "{\"messages\": [{\"role\": \"assistant\", \"tool_calls\": [{\"function\": {\"name\": \"a\", \"arguments\": \"{\"}}]}]}",
        400,
        &["messages.0.tool_calls.0.function.arguments", "JSON object"],
    ),
    (
        "/v1/chat/completions",
        "{\"model\": \"gpt-9\", \"messages\": [{\"role\": \"user\", \"content\": \"\"}]}",
        404,
        &["The model 'gpt-9' does not exist."],
    ),
    (
        "/v1/chat/completions",
        "CHAT \"temperature\": 2.5",
        400,
        &["temperature: found 2.5, expected a number in [0, 2]"],
    ),
    ("/v1/chat/completions", "CHAT \"temperature\": \"hot\"", 400, &["temperature", "\"hot\""]),
    ("/v1/chat/completions", "CHAT \"top_p\": 0", 400, &["top_p: found 0"]),
    ("/v1/chat/completions", "CHAT \"top_k\": -2", 400, &["top_k", "-2"]),
    ("/v1/chat/completions", "CHAT \"min_p\": 1.5", 400, &["min_p: found 1.5"]),
    ("/v1/chat/completions", "CHAT \"repetition_penalty\": 0", 400, &["repetition_penalty: found 0"]),
    ("/v1/chat/completions", "CHAT \"n\": 0", 400, &["n: found 0, expected a whole number from 1 to 128"]),
    ("/v1/completions", "{\"prompt\": \"a\", \"n\": 129}", 400, &["n: found 129, expected a whole number"]),
    ("/v1/chat/completions", "CHAT \"n\": 128", 400, &["n: found 128, expected at most 40"]),
    (
        "/v1/completions",
        "{\"prompt\": [\"a\", \"b\"], \"n\": 21}",
        400,
        &["n: found 21, expected at most 20"],
    ),
    ("/v1/chat/completions", "CHAT \"max_tokens\": 0", 400, &["max_tokens: found 0"]),
    (
        "/v1/chat/completions",
        "CHAT \"max_tokens\": 0, \"max_completion_tokens\": 5",
        400,
        &["max_tokens: found 0"],
    ),
    ("/v1/chat/completions", "CHAT \"n_predict\": 5, \"max_tokens\": 5", 400, &["max_tokens"]),
    (
        "/v1/completions",
        "{\"prompt\": \"a\", \"max_tokens\": 0}",
        400,
        &["max_tokens: found 0, expected at least 1"],
    ),
    (
        "/v1/completions",
        "{\"prompt\": \"a\", \"max_completion_tokens\": 0}",
        400,
        &["max_completion_tokens: found 0"],
    ),
    ("/v1/completions", "{\"prompt\": \"a\", \"prompt_logprobs\": 21}", 400, &["prompt_logprobs: found 21"]),
    ("/v1/completions", "{\"prompt\": \"a\", \"prompt_logprobs\": -1}", 400, &["prompt_logprobs", "-1"]),
    (
        "/v1/chat/completions",
        "CHAT \"prompt_logprobs\": 1, \"stream\": true",
        400,
        &["prompt_logprobs: expected"],
    ),
    ("/v1/chat/completions", "CHAT \"max_completion_tokens\": 0", 400, &["max_completion_tokens: found 0"]),
    (
        "/v1/chat/completions",
        "CHAT \"max_tokens\": 4, \"min_tokens\": 5",
        400,
        &["min_new_tokens: found 5, expected at most the 4 of `max_tokens`"],
    ),
    (
        "/v1/completions",
        "{\"prompt\": \"a\", \"min_new_tokens\": 17}",
        400,
        &["min_new_tokens: found 17, expected at most the 16"],
    ),
    ("/v1/chat/completions", "CHAT \"stop\": [\"\"]", 400, &["stop: "]),
    (
        "/v1/chat/completions",
        "CHAT \"stop\": 3",
        400,
        &["stop: found 3, expected a string or a list of strings"],
    ),
    ("/v1/chat/completions", "CHAT \"top_logprobs\": 2", 400, &["top_logprobs", "logprobs: true"]),
    (
        "/v1/chat/completions",
        "CHAT \"logprobs\": true, \"top_logprobs\": 21",
        400,
        &["top_logprobs: found 21"],
    ),
    ("/v1/chat/completions", "CHAT \"tool_choice\": \"required\"", 400, &["tool_choice"]),
    ("/v1/chat/completions", "CHAT \"response_format\": {\"type\": \"yaml\"}", 400, &["response_format"]),
    (
        "/v1/chat/completions",
        "CHAT \"response_format\": {\"type\": \"json_object\"}, \"guided_regex\": \"a\"",
        400,
        &["guided_regex: found together with `response_format`"],
    ),
    (
        "/v1/completions",
        "{\"prompt\": \"a\", \"grammar\": \"root ::= x\"}",
        400,
        &["grammar: found the name `x`", "a rule"],
    ),
    (
        "/v1/completions",
        "{\"prompt\": \"a\", \"structured_outputs\": {\"whitespace_pattern\": \" \"}}",
        400,
        &["structured_outputs.whitespace_pattern: found \" \""],
    ),
    (
        "/v1/chat/completions",
        "CHAT \"frequency_penalty\": 2.0000000000000004",
        400,
        &["frequency_penalty: found 2.0000002, expected a number in [-2, 2]"],
    ),
    (
        "/v1/completions",
        "{\"prompt\": \"a\", \"presence_penalty\": -3}",
        400,
        &["presence_penalty: found -3"],
    ),
    (
        "/v1/chat/completions",
        "CHAT \"logit_bias\": {\"19556\": -100}",
        400,
        &["logit_bias: found the key \"19556\", expected ids below 315 as keys"],
    ),
    (
        "/v1/chat/completions",
        "CHAT \"logit_bias\": {\"7\": 101}",
        400,
        &["logit_bias: found 101 for 7, expected numbers in [-100, 100]"],
    ),
    (
        "/v1/chat/completions",
        "CHAT \"logit_bias\": {\"7\": \"x\"}",
        400,
        &["logit_bias", "expected a number"],
    ),
    ("/v1/chat/completions", "CHAT \"logit_bias\": [[7, 1]]", 400, &["logit_bias: found a list"]),
    ("/v1/chat/completions", "CHAT \"bad_words\": [\"a\", \"\"]", 400, &["bad_words.1: found \"\""]),
    ("/v1/chat/completions", "CHAT \"bad_words\": \"a\"", 400, &["bad_words: found \"a\", expected a list"]),
    (
        "/v1/chat/completions",
        "CHAT \"repetition_ngram_size\": 4",
        400,
        &["repetition_ngram_threshold: found nothing, expected a number above 0"],
    ),
    ("/v1/chat/completions", "CHAT \"cache_salt\": \"\"", 400, &["cache_salt: found an empty string"]),
    (
        "/v1/chat/completions",
        "CHAT \"reasoning_effort\": \"extra_high\"",
        400,
        &["reasoning_effort: found \"extra_high\"", "expected none, minimal"],
    ),
    (
        "/v1/completions",
        "{\"prompt\": \"a\", \"reasoning_effort\": \"low\"}",
        400,
        &["reasoning_effort: found"],
    ),
    (
        "/v1/chat/completions",
        "CHAT \"input_ids\": [5]",
        400,
        &["input_ids: found ids together with `messages`"],
    ),
    ("/v1/chat/completions", "{\"messages\": [], \"input_ids\": [400]}", 400, &["input_ids: found 400"]),
    (
        "/v1/chat/completions",
        "{\"messages\": [], \"input_ids\": [5], \"enable_thinking\": true}",
        400,
        &["enable_thinking: expected the field to be absent: `input_ids` are the whole prompt"],
    ),
    ("/v1/completions", "{\"prompt\": \"a\", \"best_of\": 3}", 400, &["best_of: found 3, expected 1"]),
    (
        "/v1/chat/completions",
        "CHAT \"max_tokens\": \"many\"",
        400,
        &["max_tokens: found \"many\", expected a whole number"],
    ),
    (
        "/v1/chat/completions",
        "CHAT \"seed\": 9223372036854775808",
        400,
        &["seed: found 9223372036854775808, expected a whole"],
    ),
    (
        "/v1/chat/completions",
        "CHAT \"stream\": \"yes\"",
        400,
        &["stream: found \"yes\", expected true or false"],
    ),
    (
        "/v1/chat/completions",
        "CHAT \"stream_options\": [true]",
        400,
        &["stream_options: found a list, expected a JSON object"],
    ),
    (
        "/v1/completions",
        "{\"prompt\": \"a\", \"stream_options\": [true]}",
        400,
        &["stream_options: found a list, expected a JSON object"],
    ),
    (
        "/v1/chat/completions",
        "CHAT \"stream_options\": {\"include_usage\": true}",
        400,
        &["stream_options: expected the field to be absent without `stream: true`"],
    ),
    (
        "/v1/completions",
        "{\"prompt\": \"a\", \"stream\": false, \"stream_options\": {}}",
        400,
        &["stream_options: expected the field to be absent"],
    ),
    (
        "/v1/chat/completions",
        "{\"messages\": [[\"user\", \"hi\"]]}",
        400,
        &["messages[0]: found a list, expected a JSON object"],
    ),
    (
        "/v1/chat/completions",
        "CHAT \"continue_final_message\": true",
        400,
        &["continue_final_message: found true", "`assistant`"],
    ),
    (
        "/v1/completions",
        "{\"prompt\": \"a\", \"tools\": [{}]}",
        400,
        &["tools: found [{}], expected [] or the field to be absent"],
    ),
    ("/v1/completions", "{\"prompt\": 3}", 400, &["prompt: found 3", "a list of token ids"]),
    ("/v1/completions", "{\"prompt\": [1.5]}", 400, &["prompt: found [1.5], expected a string"]),
    (
        "/v1/chat/completions",
        "{\"messages\": [{\"role\": null, \"content\": \"\"}]}",
        400,
        &["messages[0].role: found null, expected a string"],
    ),
    ("/v1/chat/completions", "{\"messages\": [", 400, &["invalid JSON body: it ends too early"]),
    ("/v1/chat/completions", "CHAT \"repeat_penalty\": 1.1", 400, &["repeat_penalty: found 1.1, expected 1"]),
    (
        "/v1/chat/completions",
        "CHAT \"chat_template_kwargs\": {\"topics\": [\"a\"]}",
        400,
        &["chat_template_kwargs: ", "`topics`"],
    ),
    ("/v1/completions", "{\"prompt\": []}", 400, &["prompt: found 0"]),
    ("/v1/completions", "{\"prompt\": [1, 315]}", 400, &["prompt.0: found 315, expected ids below 315"]),
    ("/v1/completions", "{\"prompt\": \"a\", \"suffix\": \"b\"}", 400, &["suffix"]),
    ("/v1/completions", "{\"prompt\": \"a\", \"timeout\": -1}", 400, &["timeout: found -1"]),
];

#[test]
fn each_wrong_body_is_told_what_is_wrong() {
    run(async {
        let served = Served::start(mock("hi"));
        for &(route, body, status, words) in TABLE {
            let body = match body.strip_prefix("CHAT ") {
                Some(field) => {
                    format!("{{\"messages\": [{{\"role\": \"user\", \"content\": \"hi\"}}], {field}}}")
                }
                None => body.to_owned(),
            };
            let (found, answer) = served.post(route, &body).await;
            let message = answer["message"].as_str().unwrap_or_default();
            assert_eq!(found, status, "{body}: {message}");
            assert_eq!(answer["error"]["message"], answer["message"]);
            assert_eq!(answer["error"]["code"], status);
            assert!(answer["error"]["type"].is_string());
            for word in words {
                assert!(message.contains(word), "{body}: found `{message}`, expected `{word}`");
            }
        }
        assert_eq!(served.metric("lmdeploy:prompt_tokens_total").await, 0, "nothing was computed");
    });
}

#[test]
fn a_prompt_beyond_the_context_is_told_the_numbers() {
    run(async {
        let served = Served::start(mock("hi"));
        let long = "the ".repeat(400);
        let chat = format!("{{\"messages\": [{{\"role\": \"user\", \"content\": \"{long}\"}}]}}");
        let completion = format!("{{\"prompt\": [\"short\", \"{long}\"]}}");
        for (route, body) in [("/v1/chat/completions", chat), ("/v1/completions", completion)] {
            let (status, answer) = served.post(route, &body).await;
            let message = answer["message"].as_str().unwrap_or_default();
            assert_eq!(status, 400);
            assert!(message.contains("context length is 256 tokens"), "{message}");
            let end = ": it exceeds the available context size";
            assert!(
                message.ends_with(&format!("tokens in the prompt{end}")),
                "nothing was asked for: {message}"
            );
            let asked = format!("{}, \"max_tokens\": 50}}", &body[..body.len() - 1]);
            let (_, answer) = served.post(route, &asked).await;
            let message = answer["message"].as_str().unwrap_or_default();
            assert!(
                message.ends_with(&format!("tokens in the prompt and asks for 50 more{end}")),
                "{message}"
            );
        }
    });
}

#[test]
fn wrong_kinds_of_requests() {
    run(async {
        let served = Served::start(mock("hi"));
        let url = |route: &str| format!("{}{route}", served.url);
        for (kind, status) in [
            ("Application/JSON; charset=utf-8", 200),
            // What `curl -d` says.
            ("application/x-www-form-urlencoded", 400),
            ("text/plain", 400),
        ] {
            let request = served.http.post(url("/v1/completions")).header("content-type", kind);
            let response = request.body("{\"prompt\": \"a\"}").send().await.expect("an answer");
            assert_eq!(response.status().as_u16(), status, "{kind}");
            if status == 400 {
                let text = response.text().await.expect("text");
                assert!(
                    text.contains("Unsupported Media Type: Only 'application/json' is allowed"),
                    "{text}"
                );
            }
        }
        let absent = served.http.post(url("/v1/completions")).body("{\"prompt\": \"a\"}");
        assert_eq!(absent.send().await.expect("an answer").status().as_u16(), 400);
        let (status, form) = served.post("/v1/completions", "prompt=a").await;
        assert_eq!(status, 400);
        assert!(
            form["message"].as_str().is_some_and(|message| message.contains("invalid JSON body")),
            "{form}"
        );
        for body in [
            "\u{feff}{\"prompt\": \"a\"}",
            "\r\n {\"prompt\": [1.0], \"model\": null, \"stop_token_ids\": [7.0]}\r\n",
        ] {
            let (status, answer) = served.post("/v1/completions", body).await;
            assert_eq!(status, 200, "{body:?}: {answer}");
        }
        let chat = "{\"messages\": [{\"role\": \"user\"}], \"logprobs\": false, \"top_logprobs\": 0}";
        assert_eq!(served.post("/v1/chat/completions", chat).await.0, 200, "no alternatives of no scores");
        let large = served.http.post(url("/v1/completions")).header("content-type", "application/json");
        let response = large.body(vec![b' '; (32 << 20) + 1]).send().await.expect("an answer");
        assert_eq!(response.status().as_u16(), 413);
        let unknown = served.http.get(url("/v2/models")).send().await.expect("an answer");
        assert_eq!(unknown.status().as_u16(), 404);
        let method = served.http.get(url("/v1/completions")).send().await.expect("an answer");
        assert_eq!(method.status().as_u16(), 405);
        let model = served.http.get(url("/v1/models/gpt-9")).send().await.expect("an answer");
        assert_eq!(model.status().as_u16(), 404);
        assert!(model.text().await.expect("text").contains("The model 'gpt-9' does not exist."));
        let strange = served.http.get(url("/v1/models/%ff")).send().await.expect("an answer");
        assert_eq!(strange.status().as_u16(), 400);
        let error: Value = strange.json().await.expect("errors of all routes have one form");
        assert_eq!(error["error"]["code"], 400);
    });
}

#[test]
fn the_client_refuses_strange_urls() {
    use internlm_kit::exit::BadInput;
    use lmdeploy::client::{Client, ClientConfig};
    for url in ["", "localhost:1", "ftp://localhost", "http://localhost/v2", "http://localhost?v1", "http://"]
    {
        let error = Client::new(ClientConfig::new(url)).expect_err("strange");
        assert!(error.is_bad_input() && error.to_string().contains(&format!("`{url}`")), "{error}");
    }
    for end in ["", "/", "//", "/v1", "/v1/", "//v1", " ", "/v1\n"] {
        let url = format!(" HTTP://Localhost:1{end}");
        let client = Client::new(ClientConfig::new(url)).expect("as other clients write it");
        assert_eq!(client.config().base_url, "http://localhost:1");
    }
}

/// Serde's structs would take the values of an object in order as well.
#[test]
fn objects_are_read_by_the_names_of_their_fields() {
    let chat = |body: Value| serde_json::from_value::<ChatRequest>(body).map_err(|error| error.to_string());
    let options = |options: Value| chat(json!({"messages": [], "stream_options": options}));
    let asked = Some(StreamOptions { include_usage: true, ..StreamOptions::default() });
    assert_eq!(options(json!({"include_usage": true})).expect("a request").stream_options, asked);
    assert_eq!(options(Value::Null).expect("a request").stream_options, None);
    for list in [json!([true]), json!([]), json!(true), json!("include_usage")] {
        let error = options(list.clone()).expect_err("no object");
        assert!(error.contains("expected a JSON object"), "{list}: {error}");
        let body = json!({"prompt": "", "stream_options": list});
        assert!(serde_json::from_value::<CompletionRequest>(body).is_err());
    }
    let message = |key: &str, value: Value| {
        let mut message = json!({"role": "assistant", "content": "a"});
        message[key] = value;
        chat(json!({"messages": [message]}))
    };
    let function = json!({"name": "add", "arguments": "{}"});
    message("tool_calls", json!([{"id": "1", "function": function}])).expect("a call");
    message("tool_calls", Value::Null).expect("no calls");
    message("content", json!([{"type": "text", "text": "a"}])).expect("parts");
    for (key, value) in [
        ("tool_calls", json!([["1", "function", function]])),
        ("tool_calls", json!([{"id": "1", "function": ["add", "{}"]}])),
        ("function_call", json!(["add", "{}"])),
        ("content", json!([["text", "a"]])),
    ] {
        assert!(message(key, value.clone()).is_err(), "{key}: {value}");
    }
}
