//! Sleep, wake and other weights over HTTP.

use lmdeploy::testing::MockServer;
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::fixture::{MODEL, Served, ask, mock, run};

/// Status and body of an answer.
async fn answer(request: RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.expect("an answer");
    let status = answer.status().as_u16();
    (status, answer.json().await.expect("JSON"))
}

fn post(served: &Served, route: &str) -> RequestBuilder {
    served.http.post(format!("{}{route}", served.url))
}

fn get(served: &Served, route: &str) -> RequestBuilder {
    served.http.get(format!("{}{route}", served.url))
}

/// The status of a chat, and whether the answer says when to try again.
async fn chat(served: &Served) -> (u16, bool) {
    let body = json!({"model": MODEL, "messages": [{"role": "user", "content": "hi"}]});
    let answer = post(served, "/v1/chat/completions").json(&body).send().await.expect("an answer");
    (answer.status().as_u16(), answer.headers().contains_key("retry-after"))
}

#[test]
fn a_sleeping_server_is_healthy_and_refuses_what_needs_the_model() {
    run(async {
        let served = Served::start(mock("hi").with_sleep());
        let awake = json!({"is_sleeping": false});
        let asleep = json!({"is_sleeping": true, "sleeping_tags": ["weights", "kv_cache"]});
        assert_eq!(answer(get(&served, "/is_sleeping")).await, (200, awake.clone()));
        assert_eq!(chat(&served).await, (200, false));
        for query in ["", "?level=2"] {
            assert_eq!(answer(post(&served, &format!("/sleep{query}"))).await, (200, asleep.clone()));
            assert_eq!(answer(get(&served, "/is_sleeping")).await, (200, asleep.clone()));
            let health = json!({"status": "sleeping", "message": "released: weights, kv_cache"});
            assert_eq!(answer(get(&served, "/health")).await, (200, health));
            assert_eq!(chat(&served).await, (503, true));
            let (status, _) = served.post("/v1/encode", r#"{"input": "the quick"}"#).await;
            assert_eq!(status, 200, "the vocabulary is there");
        }
        let partly = json!({"is_sleeping": true, "sleeping_tags": ["kv_cache"]});
        assert_eq!(answer(post(&served, "/wakeup?tags=weights")).await, (200, partly));
        assert_eq!(chat(&served).await, (503, true));
        assert_eq!(answer(post(&served, "/wakeup").json(&json!({}))).await, (200, awake));
        assert_eq!(chat(&served).await, (200, false));
        let start = "lmdeploy:requests_rejected_total{model_name=\"tiny\",engine=\"0\",reason=\"sleeping\"}";
        assert_eq!(served.metric(start).await, 3);
        served.client.chat(&ask("hi")).await.expect("it is awake");
    });
}

#[test]
fn every_api_refuses_in_its_own_form() {
    run(async {
        let served = Served::start(mock("hi").with_sleep());
        assert_eq!(answer(post(&served, "/sleep")).await.0, 200);
        let message = json!([{"role": "user", "content": "hi"}]);
        for (route, body) in [
            ("/v1/completions", json!({"prompt": "hi", "stream": true})),
            ("/generate", json!({"prompt": "hi"})),
            ("/v1/responses", json!({"input": "hi"})),
            ("/v1/messages", json!({"model": MODEL, "max_tokens": 5, "messages": message})),
            ("/get_ppl", json!({"input": "the quick brown fox"})),
            ("/v1/embeddings", json!({"input": "hi"})),
            ("/pooling", json!({"input": "hi"})),
        ] {
            let request = post(&served, route).header("anthropic-version", "2023-06-01").json(&body);
            let (status, answer) = answer(request).await;
            assert_eq!(status, 503, "{route}: {answer}");
            assert_eq!(answer["error"]["message"], "the server is sleeping", "{route}");
        }
    });
}

#[test]
fn what_an_operator_cannot_mean_is_refused_by_name() {
    run(async {
        let served = Served::start(mock("hi").with_sleep());
        for query in ["level=3", "level=", "level=deep", "level=1&level=2"] {
            let (status, answer) = answer(post(&served, &format!("/sleep?{query}"))).await;
            assert_eq!((status, answer["param"].as_str()), (400, Some("level")), "{query}: {answer}");
        }
        let with_level = post(&served, "/sleep").json(&json!({"level": 2}));
        assert_eq!(answer(with_level).await.0, 400, "it would be passed over");
        // What a page of another origin can send without asking.
        let foreign = post(&served, "/sleep").header("origin", "http://elsewhere.example");
        assert_eq!(answer(foreign).await.0, 400);
        let text = post(&served, "/sleep").body("{}").header("content-type", "text/plain");
        assert_eq!(answer(text).await.0, 400);
        assert_eq!(answer(get(&served, "/sleep")).await.0, 405);
        assert_eq!(answer(get(&served, "/is_sleeping")).await, (200, json!({"is_sleeping": false})));
    });
}

#[test]
fn tags_that_have_no_effect_are_named() {
    run(async {
        let served = Served::start(mock("hi").with_sleep());
        let asleep = json!(["weights", "kv_cache"]);
        let (status, slept) = answer(post(&served, "/sleep?tags=weights")).await;
        let expected = json!({"is_sleeping": true, "sleeping_tags": asleep, "ignored": ["weights"]});
        assert_eq!((status, slept), (200, expected), "they sleep together");
        for (query, ignored) in [
            ("tags=everything", json!(["everything"])),
            ("tags=", json!([""])),
            ("tags=weights&tags=cache", json!(["weights", "cache"])),
        ] {
            let woken = answer(post(&served, &format!("/wakeup?{query}"))).await;
            let expected = json!({"is_sleeping": true, "sleeping_tags": asleep, "ignored": ignored});
            assert_eq!(woken, (200, expected), "{query}");
        }
        assert_eq!(answer(post(&served, "/wakeup")).await, (200, json!({"is_sleeping": false})));
    });
}

#[test]
fn a_model_that_cannot_sleep_says_so() {
    run(async {
        let served = Served::start(mock("hi"));
        for route in ["/sleep", "/sleep?level=2"] {
            let (status, answer) = answer(post(&served, route)).await;
            assert_eq!((status, answer["message"].as_str()), (409, Some("this executor cannot sleep")));
        }
        assert_eq!(answer(post(&served, "/wakeup")).await, (200, json!({"is_sleeping": false})));
        assert_eq!(chat(&served).await, (200, false));
    });
}

#[test]
fn other_weights_are_taken_from_files_only() {
    run(async {
        let served = Served::start(mock("hi").with_sleep());
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().to_str().expect("UTF-8");
        let absent = format!("{path}/absent");
        for (body, status, param) in [
            (json!({}), 400, "path"),
            (json!({"path": ""}), 400, "path"),
            (json!({"path": 5}), 400, "path"),
            (json!({"path": path, "model_path": path}), 400, "model_path"),
            (json!({"path": absent}), 404, "path"),
            (
                json!({"serialized_named_tensors": ["gASV"], "finished": true}),
                501,
                "serialized_named_tensors",
            ),
        ] {
            let found = served.post("/update_weights", &body.to_string()).await;
            assert_eq!((found.0, found.1["param"].as_str()), (status, Some(param)), "{body}: {}", found.1);
        }
        for field in ["path", "model_path"] {
            let body = json!({field: path, "load_format": "auto"});
            let (status, answer) = served.post("/update_weights", &body.to_string()).await;
            assert_eq!((status, &answer["success"]), (200, &json!(true)), "{answer}");
            assert!(answer["message"].as_str().is_some_and(|message| message.contains(path)), "{answer}");
        }
        assert_eq!(chat(&served).await, (200, false));
        // A vocabulary that cuts texts into other ids.
        let text = r#"{"version": "1.0", "model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}}"#;
        std::fs::write(folder.path().join("tokenizer.json"), text).expect("writes");
        let found = served.post("/update_weights", &json!({"path": path}).to_string()).await;
        assert_eq!((found.0, found.1["param"].as_str()), (400, Some("path")), "{}", found.1);
        for route in ["/update_weights_from_ipc", "/update_weights_from_distributed"] {
            assert_eq!(served.post(route, "{}").await.0, 501, "{route}");
        }
    });
}

#[test]
fn a_server_ends_while_it_sleeps() {
    let server = MockServer::start(mock("hi").with_sleep());
    let url = server.url().to_owned();
    run(async move {
        lmdeploy::client::Client::new(lmdeploy::client::ClientConfig::new(&url)).expect("sets up TLS");
        let http = reqwest::Client::builder().tls_certs_only(std::iter::empty()).build().expect("a client");
        assert_eq!(answer(http.post(format!("{url}/sleep"))).await.0, 200);
    });
    drop(server);
}
