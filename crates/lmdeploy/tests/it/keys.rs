//! Keys: who is answered, in which form others are refused, and what needs no key.

use lmdeploy::config::ServerConfig;
use reqwest::Response;
use serde_json::Value;

use crate::configured::Configured;
use crate::fixture::{mock, run};

async fn served(config: ServerConfig) -> Configured {
    Configured::start(mock("hi"), config.with_api_keys(["first", "second"])).await
}

async fn get(served: &Configured, route: &str, header: Option<(&str, &str)>) -> Response {
    let mut request = served.http.get(format!("{}{route}", served.url));
    if let Some((name, value)) = header {
        request = request.header(name, value);
    }
    request.send().await.expect("an answer")
}

#[test]
fn one_of_the_keys_is_needed() {
    run(async {
        let served = served(ServerConfig::default()).await;
        for header in
            [("authorization", "Bearer first"), ("authorization", "bearer second"), ("x-api-key", "first")]
        {
            assert_eq!(get(&served, "/v1/models", Some(header)).await.status().as_u16(), 200, "{header:?}");
        }
        for header in [
            None,
            Some(("authorization", "Bearer third")),
            Some(("authorization", "first")),
            Some(("x-api-key", "firs")),
        ] {
            let answer = get(&served, "/v1/models", header).await;
            assert_eq!(answer.status().as_u16(), 401, "{header:?}");
            assert!(answer.headers().contains_key("www-authenticate"));
            let body: Value = answer.json().await.expect("JSON");
            assert_eq!(body["error"]["type"], "authentication_error");
            assert_eq!(body["code"], 401);
            assert_eq!(body["error"]["code"], 401);
        }
        // A body is not read for strangers, and routes are not told to them.
        let (status, _) = served.post("/v1/completions", &serde_json::json!({"prompt": "a"})).await;
        assert_eq!(status, 401);
        assert_eq!(get(&served, "/v2", None).await.status().as_u16(), 401);
        assert_eq!(get(&served, "/v2", Some(("x-api-key", "first"))).await.status().as_u16(), 404);
    });
}

#[test]
fn each_api_refuses_in_its_own_form() {
    run(async {
        let served = served(ServerConfig::default()).await;
        let body = |route: &'static str| {
            let served = &served;
            async move { get(served, route, None).await.json::<Value>().await.expect("JSON") }
        };
        let error = body("/anthropic/v1/models").await;
        assert_eq!(error["type"], "error");
        assert_eq!(error["error"]["type"], "authentication_error");
        assert!(error["request_id"].is_string());
        let error = body("/v1/responses/resp_1").await;
        assert_eq!(error.as_object().map(serde_json::Map::len), Some(1));
        assert!(error["error"]["code"].is_null() && error["error"]["type"] == "authentication_error");
    });
}

#[test]
fn some_routes_need_no_key() {
    run(async {
        let strict = served(ServerConfig::default()).await;
        for route in ["/health", "/docs", "/docs/start.js", "/openapi.json"] {
            assert_eq!(get(&strict, route, None).await.status().as_u16(), 200, "{route}");
        }
        assert_eq!(get(&strict, "/metrics", None).await.status().as_u16(), 401);
        assert_eq!(get(&strict, "/metrics", Some(("x-api-key", "second"))).await.status().as_u16(), 200);
        let mut config = ServerConfig::default();
        config.public_metrics = true;
        let open = served(config).await;
        assert_eq!(get(&open, "/metrics", None).await.status().as_u16(), 200);
        assert_eq!(get(&open, "/version", None).await.status().as_u16(), 401);
    });
}

#[test]
fn a_preflight_has_no_key() {
    run(async {
        let served = served(ServerConfig::default().with_allow_origins(["*"])).await;
        let url = format!("{}/v1/chat/completions", served.url);
        let request = served.http.request(reqwest::Method::OPTIONS, url);
        let request = request.header("origin", "https://a.example");
        let answer = request.header("access-control-request-method", "POST").send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), 200);
    });
}

#[test]
fn keys_are_not_written_anywhere() {
    let config = ServerConfig::default().with_api_keys(["secret"]);
    let text = toml::to_string(&config).expect("writes");
    assert!(!text.contains("secret") && !text.contains("api-keys"), "{text}");
    let read: ServerConfig = toml::from_str("api-keys = [\"a\"]").expect("reads");
    assert_eq!(read.api_keys, ["a"]);
}
