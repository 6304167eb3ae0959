//! Browser pages of other origins (CORS): preflights, answers, errors and streams.

use lmdeploy::config::ServerConfig;
use reqwest::{Client, Method, Response};

use crate::configured::Configured;
use crate::fixture::{mock, run};

/// The page that asks.
const PAGE: &str = "https://chat.example";
const ALLOW_ORIGIN: &str = "access-control-allow-origin";
const ALLOW_METHODS: &str = "access-control-allow-methods";
const ALLOW_HEADERS: &str = "access-control-allow-headers";

/// A server that every page may call.
async fn open() -> Configured {
    Configured::start(mock("hi"), every_page()).await
}

fn every_page() -> ServerConfig {
    ServerConfig::default().with_allow_origins(["*"])
}

fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers().get(name)?.to_str().ok()
}

/// The question of a browser before it posts with these headers.
async fn preflight(http: &Client, url: String, origin: &str, headers: Option<&str>) -> Response {
    let request = http.request(Method::OPTIONS, url).header("origin", origin);
    let mut request = request.header("access-control-request-method", "POST");
    if let Some(headers) = headers {
        request = request.header("access-control-request-headers", headers);
    }
    request.send().await.expect("an answer")
}

#[test]
fn every_preflight_is_answered_without_a_key() {
    run(async {
        let served = open().await;
        for route in [
            "/v1/chat/completions",
            "/v1/completions",
            "/v1/models",
            "/v1/models/tiny",
            "/health",
            "/metrics",
            "/v2",
        ] {
            for headers in [None, Some("authorization,content-type,x-stainless-os")] {
                let response = preflight(&served.http, format!("{}{route}", served.url), PAGE, headers).await;
                assert_eq!(response.status().as_u16(), 200, "{route}");
                assert_eq!(header(&response, ALLOW_ORIGIN), Some("*"), "{route}");
                let methods = header(&response, ALLOW_METHODS).expect("methods");
                assert!(methods.split(',').any(|method| method.trim() == "POST"), "{methods}");
                assert_eq!(header(&response, ALLOW_HEADERS), Some(headers.unwrap_or("*")), "{route}");
                assert_eq!(header(&response, "access-control-allow-credentials"), None);
            }
        }
    });
}

#[test]
fn answers_errors_and_streams_may_be_read_by_every_page() {
    run(async {
        let served = open().await;
        let chat = r#"{"messages": [{"role": "user", "content": "hi"}], "stream": true}"#.to_owned();
        let large = " ".repeat((32 << 20) + 1);
        for (route, body, status) in [
            ("/v1/models", None, 200),
            ("/health", None, 200),
            ("/v1/completions", Some(r#"{"prompt": "a"}"#.to_owned()), 200),
            ("/v1/chat/completions", Some(chat), 200),
            ("/v1/completions", Some("{}".to_owned()), 400),
            ("/v1/models/gpt-9", None, 404),
            ("/v2", None, 404),
            ("/v1/completions", None, 405),
            ("/v1/completions", Some(large), 413),
        ] {
            let url = format!("{}{route}", served.url);
            let request = match body {
                Some(body) => served.http.post(url).header("content-type", "application/json").body(body),
                None => served.http.get(url),
            };
            let response = request.header("origin", PAGE).send().await.expect("an answer");
            assert_eq!(response.status().as_u16(), status, "{route}");
            assert_eq!(header(&response, ALLOW_ORIGIN), Some("*"), "{route} {status}");
            let exposed = header(&response, "access-control-expose-headers").expect("headers");
            assert!(exposed.contains("x-request-id") && exposed.contains("retry-after"), "{exposed}");
        }
    });
}

/// What a server with these settings answers to a page's preflight and to its request.
async fn asked(config: ServerConfig, origin: &str) -> [Response; 2] {
    let served = Configured::start(mock("hi"), config).await;
    let url = format!("{}/v1/completions", served.url);
    let first = preflight(&served.http, url, origin, Some("authorization")).await;
    let second = served.http.get(format!("{}/v1/models", served.url)).header("origin", origin).send().await;
    [first, second.expect("an answer")]
}

#[test]
fn listed_origins_are_allowed_and_no_others() {
    run(async {
        let listed = || ServerConfig::default().with_allow_origins([PAGE, "http://localhost:3000"]);
        for response in asked(listed(), PAGE).await {
            assert_eq!(header(&response, ALLOW_ORIGIN), Some(PAGE));
        }
        for response in asked(listed(), "https://other.example").await {
            assert_eq!(header(&response, ALLOW_ORIGIN), None);
        }
        let [preflight, answer] = asked(ServerConfig::default(), PAGE).await;
        assert_eq!((preflight.status().as_u16(), answer.status().as_u16()), (405, 200));
        assert_eq!((header(&preflight, ALLOW_ORIGIN), header(&answer, ALLOW_ORIGIN)), (None, None));
    });
}

#[test]
fn credentials_methods_and_headers_are_those_of_the_settings() {
    run(async {
        let mut config = every_page();
        config.allow_credentials = true;
        for response in asked(config, PAGE).await {
            assert_eq!(header(&response, ALLOW_ORIGIN), Some(PAGE), "browsers take no `*` with credentials");
            assert_eq!(header(&response, "access-control-allow-credentials"), Some("true"));
        }
        let mut config = every_page();
        config.allow_methods = vec!["post".to_owned(), "GET".to_owned()];
        config.allow_headers = vec!["Authorization".to_owned()];
        let [preflight, _] = asked(config, PAGE).await;
        assert_eq!(header(&preflight, ALLOW_METHODS), Some("POST,GET"));
        let headers = header(&preflight, ALLOW_HEADERS).expect("headers");
        assert!(headers.ends_with(",authorization") && headers.contains("content-type"), "{headers}");
    });
}
