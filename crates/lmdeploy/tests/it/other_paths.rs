//! Paths that llama.cpp and vLLM have for the same: without `/v1`, and with it.

use lmdeploy::config::ServerConfig;
use serde_json::json;

use crate::configured::Configured;
use crate::fixture::{MODEL, mock, run};

#[test]
fn routes_are_reached_without_the_version() {
    run(async {
        let served = Configured::start(mock("hi"), ServerConfig::default()).await;
        let message = json!([{"role": "user", "content": "hi"}]);
        for (path, body) in [
            ("/chat/completions", json!({"messages": message})),
            ("/chat/completions/input_tokens", json!({"messages": message})),
            ("/responses", json!({"input": "hi"})),
            ("/embeddings", json!({"input": "hi"})),
        ] {
            let (status, answer) = served.post(path, &body).await;
            assert_eq!(status, 200, "{path}: {answer}");
            let (status, full) = served.post(&format!("/v1{path}"), &body).await;
            assert_eq!((status, &full["object"]), (200, &answer["object"]), "{path}");
        }
        for path in ["/models".to_owned(), format!("/models/{MODEL}"), "/v1/health".to_owned()] {
            assert_eq!(served.get(&path).await.0, 200, "{path}");
        }
        let (_, page) = served.get("/metrics").await;
        assert!(page.contains("route=\"/v1/chat/completions\",status=\"200\"} 2\n"), "{page}");
        assert!(!page.contains("route=\"/chat/completions"), "they are counted as one route");
        let (status, error) = served.post("/responses", &json!({"input": 7})).await;
        assert_eq!((status, error.as_object().map(serde_json::Map::len)), (400, Some(1)), "{error}");
        // Other servers have another protocol there.
        assert_eq!(served.post("/completions", &json!({"prompt": "hi"})).await.0, 404);
    });
}

#[test]
fn a_key_is_needed_under_each_path() {
    run(async {
        let served = Configured::start(mock("hi"), ServerConfig::default().with_api_keys(["k"])).await;
        for (path, status) in [("/models", 401), ("/responses/r", 401), ("/v1/health", 200), ("/load", 401)] {
            assert_eq!(served.get(path).await.0, status, "{path}");
        }
    });
}

#[test]
fn a_prompt_is_shown_and_counted_without_an_answer() {
    run(async {
        let served = Configured::start(mock("hi"), ServerConfig::default()).await;
        let body = json!({"messages": [{"role": "user", "content": "the quick fox"}], "max_tokens": 1});
        let (status, shown) = served.post("/apply-template", &body).await;
        assert_eq!(status, 200, "{shown}");
        let expected = "<s><|im_start|>user\nthe quick fox<|im_end|>\n<|im_start|>assistant\n";
        assert_eq!(shown, json!({"prompt": expected}));
        let (status, count) = served.post("/v1/chat/completions/input_tokens", &body).await;
        let (_, answer) = served.post("/v1/chat/completions", &body).await;
        assert_eq!((status, &count["input_tokens"]), (200, &answer["usage"]["prompt_tokens"]), "{count}");
        assert_eq!(count["object"], "response.input_tokens");
        let (_, tokens) = served.post("/tokenize", &json!({"messages": body["messages"]})).await;
        assert_eq!(tokens["count"], count["input_tokens"]);
        for path in ["/apply-template", "/v1/chat/completions/input_tokens"] {
            assert_eq!(served.post(path, &json!({"messages": []})).await.0, 400, "{path}");
            let other = json!({"messages": body["messages"], "model": "gpt-9"});
            assert_eq!(served.post(path, &other).await.0, 404, "{path}");
        }
    });
}

#[test]
fn model_cards_and_the_load_have_what_peers_write() {
    run(async {
        let served = Configured::start(mock("hi"), ServerConfig::default()).await;
        let json = |(status, text): (u16, String)| {
            assert_eq!(status, 200, "{text}");
            serde_json::from_str::<serde_json::Value>(&text).expect("JSON")
        };
        let card = &json(served.get("/v1/models").await)["data"][0];
        assert_eq!((&card["id"], &card["root"]), (&json!(MODEL), &json!(MODEL)));
        assert!(card["parent"].is_null() && card.get("parent").is_some(), "{card}");
        let permission = &card["permission"][0];
        assert_eq!(
            (&permission["object"], &permission["organization"]),
            (&json!("model_permission"), &json!("*"))
        );
        assert!(permission["allow_sampling"] == true && permission["allow_fine_tuning"] == false);
        assert_eq!(json(served.get("/load").await), json!({"server_load": 0}));
    });
}
