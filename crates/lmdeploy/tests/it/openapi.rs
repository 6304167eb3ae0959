//! `/openapi.json` and `/docs`: the document is that of the server, and the page has all of its files.

use lmdeploy::config::ServerConfig;
use serde_json::{Value, json};

use crate::configured::Configured;
use crate::fixture::{MODEL, mock, run};

/// The document, and the server that has it.
async fn document(config: ServerConfig) -> (Configured, Value) {
    let served = Configured::start(mock("hi"), config).await;
    let (status, text) = served.get("/openapi.json").await;
    assert_eq!(status, 200);
    (served, serde_json::from_str(&text).expect("JSON"))
}

#[test]
fn every_listed_route_is_served_with_its_methods_alone() {
    run(async {
        let (served, document) = document(ServerConfig::default()).await;
        assert_eq!(document["openapi"], "3.1.0");
        for (path, item) in document["paths"].as_object().expect("paths") {
            let route = path.replace("{model}", MODEL).replace("{file}", "start.js");
            let route = route.replace("{response_id}", "r");
            let listed: Vec<&String> = item.as_object().expect("methods").keys().collect();
            for method in ["get", "post", "delete", "put"] {
                let name = method.to_uppercase().parse().expect("a method");
                let request = served.http.request(name, format!("{}{route}", served.url));
                let answer = request.send().await.expect("an answer");
                let status = answer.status().as_u16();
                if listed.iter().any(|listed| *listed == method) {
                    assert!(status != 405 && status < 500, "{method} {path}: {status}");
                    assert!(answer.headers().contains_key("x-request-id"));
                    // The status is one of those that are listed.
                    let known = &item[method]["responses"][status.to_string()];
                    assert!(known.is_object(), "{method} {path}: {status}");
                } else {
                    assert_eq!(status, 405, "{method} {path}");
                    assert!(answer.headers().contains_key("allow"), "{method} {path}");
                }
            }
        }
    });
}

#[test]
fn the_page_has_its_files() {
    run(async {
        let served = Configured::start(mock("hi"), ServerConfig::default()).await;
        let (status, page) = served.get("/docs").await;
        assert_eq!(status, 200);
        for part in page.split('"').filter(|part| part.starts_with("docs/")) {
            let answer = served.http.get(format!("{}/{part}", served.url)).send().await.expect("an answer");
            assert_eq!(answer.status().as_u16(), 200, "{part}");
            assert!(answer.headers().contains_key("content-type"), "{part}");
            assert!(answer.bytes().await.is_ok_and(|bytes| bytes.len() > 50), "{part}");
        }
        assert!(!page.contains("http://") && !page.contains("https://"), "nothing comes from elsewhere");
        assert_eq!(served.get("/docs/index.exe").await.0, 404);
        assert_eq!(served.get("/docs/%ff").await.0, 400);
    });
}

#[test]
fn the_documentation_can_be_turned_off() {
    run(async {
        let mut config = ServerConfig::default();
        config.disable_docs = true;
        let served = Configured::start(mock("hi"), config).await;
        for route in ["/docs", "/docs/start.js", "/openapi.json"] {
            assert_eq!(served.get(route).await.0, 404, "{route}");
        }
    });
}

#[test]
fn bodies_of_the_schemas_are_answered() {
    run(async {
        let (served, document) = document(ServerConfig::default()).await;
        let message = json!([{"role": "user", "content": "hi"}]);
        for (route, body) in [
            ("/v1/chat/completions", json!({"messages": message})),
            ("/v1/completions", json!({"prompt": "a", "n": 2, "logprobs": 1})),
            ("/v1/chat/completions/input_tokens", json!({"messages": message})),
            ("/apply-template", json!({"messages": message})),
            ("/generate", json!({"prompt": "a"})),
            ("/get_ppl", json!({"input": "the fox"})),
            ("/v1/encode", json!({"input": ["a", "b"]})),
            ("/tokenize", json!({"prompt": "a"})),
            ("/detokenize", json!({"tokens": [1]})),
            ("/v1/embeddings", json!({"input": "a"})),
            ("/pooling", json!({"input": "a"})),
            ("/v1/responses", json!({"input": "hi"})),
            ("/v1/responses/input_tokens", json!({"input": "hi"})),
        ] {
            let (status, answer) = served.post(route, &body).await;
            assert_eq!(status, 200, "{route}: {answer}");
            let content = &document["paths"][route]["post"]["responses"]["200"]["content"];
            let name = content["application/json"]["schema"]["$ref"].as_str().expect("a schema");
            let name = name.rsplit('/').next().expect("a name");
            let schema = &document["components"]["schemas"][name];
            for required in schema["required"].as_array().expect("required fields") {
                let field = required.as_str().expect("a name");
                assert!(answer.get(field).is_some(), "{route}: {field} of {answer}");
            }
            for field in answer.as_object().expect("an object").keys() {
                assert!(schema["properties"][field].is_object(), "{route}: {field} is not described");
            }
        }
    });
}
