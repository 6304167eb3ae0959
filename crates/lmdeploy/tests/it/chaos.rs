//! Clients that do everything wrong at the same time, on a small cache and a model that fails now and then: each request
//! ends once, everything is given back, and an answer is the same afterwards as before.
//!
//! `CHAOS_REQUESTS` sets how many there are; from [`LONG`] on, the memory of the process is looked at as well.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use internlm_kit::testing::TestRng;
use internlm_model::chat::ChatTemplate;
use lmdeploy::Pipeline;
use lmdeploy::config::ServerConfig;
use lmdeploy::engine::{Executor, SchedulerConfig};
use lmdeploy::respond::ServedModel;
use lmdeploy::serve::{App, Server};
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::fixture::{MODEL, run, tokenizer};

mod chain;

use chain::{Chain, SCRIPTED};

/// Number of requests in an ordinary run of the tests.
const ORDINARY: u64 = 400;
/// Number of requests from which memory is compared: before, caches and buffers still grow.
const LONG: u64 = 10_000;
/// Number of clients at the same time.
const CLIENTS: usize = 24;
/// Time within which every request ends.
const LIMIT: Duration = Duration::from_secs(60);
const CHAT: &str = "/v1/chat/completions";
/// The beginning of a request over a connection of its own.
const HEAD: &str = "POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n";

/// A random time below so many milliseconds.
fn pause(rng: &mut TestRng, milliseconds: usize) -> Duration {
    Duration::from_micros(rng.below(1000 * milliseconds) as u64)
}

/// A random time limit, in seconds, that some requests keep.
fn time_limit(rng: &mut TestRng) -> f64 {
    1e-4 + rng.below(20) as f64 * 1e-3
}

/// A server, and those who call it.
struct Chaos {
    url: String,
    http: reqwest::Client,
    pipeline: Pipeline,
    faulty: Arc<AtomicBool>,
    /// Memory of the process in pages, taken a hundred times.
    resident: Mutex<Vec<u64>>,
}

impl Chaos {
    async fn start() -> Arc<Self> {
        let faulty = Arc::new(AtomicBool::new(false));
        let tokenizer = tokenizer();
        let executor = Chain::new(&tokenizer, Arc::clone(&faulty));
        let scheduler = SchedulerConfig::new(&executor.capacity()).with_max_queue(200);
        let model = ServedModel::new(MODEL, tokenizer, Some(ChatTemplate::InternLm2), &[]);
        let pipeline = Pipeline::new(Box::new(executor), model, scheduler, 0);
        let app = App::new(pipeline.responder().clone());
        let config = ServerConfig::default().with_host("127.0.0.1").with_port(0);
        let server = Server::bind(&config).await.expect("a free port");
        let url = server.url();
        tokio::spawn(server.run(app, std::future::pending()));
        // The client of the crate sets up the process's TLS, which the other one needs.
        lmdeploy::client::Client::new(lmdeploy::client::ClientConfig::new(&url)).expect("a client");
        let http = reqwest::Client::builder().tls_certs_only(std::iter::empty()).build().expect("a client");
        Arc::new(Self { url, http, pipeline, faulty, resident: Mutex::default() })
    }

    fn post(&self, route: &str, body: &Value) -> RequestBuilder {
        self.http.post(format!("{}{route}", self.url)).json(body)
    }

    /// Status and text of an answer, which must be one of those that are expected, or that of a scripted fault.
    async fn whole(&self, request: RequestBuilder, expected: &[u16]) -> (u16, String) {
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        let text = answer.text().await.expect("text");
        if status == 500 {
            assert!(text.contains(SCRIPTED), "{text}");
        } else {
            assert!(expected.contains(&status), "{status} is not in {expected:?}: {text}");
        }
        (status, text)
    }

    /// Reads a stream to its end, with a pause after each part.
    async fn stream(&self, request: RequestBuilder, choices: usize, pause: Duration) {
        let mut answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        let mut text = Vec::new();
        while let Some(part) = answer.chunk().await.expect("the rest of the answer") {
            text.extend_from_slice(&part);
            if !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
        }
        let text = String::from_utf8(text).expect("characters are whole");
        let failed = text.contains(SCRIPTED) || text.contains("the request's time was up");
        if status != 200 {
            assert!(failed || status == 429, "{status}: {text}");
            return;
        }
        assert!(text.ends_with("data: [DONE]\n\n"), "{text}");
        let ends = text.matches("\"finish_reason\":\"").count();
        let errors = text.matches("data: {\"error\":{").count();
        assert!((ends, errors) == (choices, 0) || (failed && errors == 1), "{choices} choices: {text}");
    }

    /// Sends bytes over a connection of their own.
    async fn open(&self, bytes: &[u8]) -> TcpStream {
        let address = self.url.trim_start_matches("http://");
        let connection = TcpStream::connect(address).await.expect("it listens");
        connection.writable().await.expect("it takes something");
        assert_eq!(connection.try_write(bytes).expect("it takes everything"), bytes.len());
        connection
    }

    /// Request number `index`, to its end or ours.
    async fn one(&self, index: u64) {
        let mut rng = TestRng::new(index);
        let kind = rng.below(16);
        let words = [
            "the quick",
            "brown fox jumps",
            "over the lazy dog",
            "{\"name\": 1}",
            "né 你好 🙂",
            "the the the",
        ];
        let text = words[rng.below(6)].repeat(1 + rng.below(3));
        let mut body = json!({
            "messages": [{ "role": "user", "content": text }],
            "max_tokens": 1 + rng.below(60),
        });
        match kind {
            0..3 => drop(self.whole(self.post(CHAT, &body), &[200, 429]).await),
            3..6 => {
                body["stream"] = json!(true);
                self.stream(self.post(CHAT, &body), 1, Duration::ZERO).await;
            }
            6 => {
                body["n"] = json!(3);
                drop(self.whole(self.post(CHAT, &body), &[200, 429]).await);
                body["stream"] = json!(true);
                self.stream(self.post(CHAT, &body), 3, Duration::ZERO).await;
            }
            _ => self.odd(kind, body, &mut rng, index).await,
        }
    }

    /// A request that does not end as it might.
    async fn odd(&self, kind: usize, mut body: Value, rng: &mut TestRng, index: u64) {
        match kind {
            7 => {
                body["stream"] = json!(rng.below(2) == 1);
                let answer = self.whole(self.post(CHAT, &body), &[200, 429]);
                // It is dropped where it is by then.
                drop(tokio::time::timeout(pause(rng, 20), answer).await);
            }
            8 => {
                let body = body.to_string();
                let length = body.len();
                let whole = format!("{HEAD}content-length: {length}\r\n\r\n{body}");
                // Nobody waits for what comes back.
                drop(self.open(&whole.as_bytes()[..1 + rng.below(whole.len())]).await);
            }
            9 => {
                body["stream"] = json!(true);
                let pause = pause(rng, 30);
                self.stream(self.post(CHAT, &body), 1, pause).await;
            }
            10 => {
                body["timeout"] = json!(time_limit(rng));
                body["stream"] = json!(rng.below(2) == 1);
                self.stream_or_whole(self.post(CHAT, &body), &body).await;
            }
            11 => {
                let seconds = time_limit(rng).to_string();
                let request = self.post(CHAT, &body).header("x-request-timeout", seconds);
                self.stream_or_whole(request, &body).await;
            }
            12 => {
                let text = body.to_string();
                let cut = text[..text.floor_char_boundary(rng.below(text.len()))].to_owned();
                let request = self.post(CHAT, &body).body(cut);
                drop(self.whole(request, &[400]).await);
            }
            13 => self.oversize(body, rng).await,
            14 => {
                let (status, text) = self.whole(self.post(CHAT, &guided(body)), &[200, 429]).await;
                if status == 200 {
                    check_guided(&text);
                }
            }
            _ => self.aborted(body, rng, index).await,
        }
    }

    /// An answer that may end with the time limit of its request.
    async fn stream_or_whole(&self, request: RequestBuilder, body: &Value) {
        if body["stream"] == json!(true) {
            self.stream(request, 1, Duration::ZERO).await;
        } else {
            self.whole(request, &[200, 429, 504]).await;
        }
    }

    /// A prompt beyond the context, or a body beyond the limit.
    async fn oversize(&self, mut body: Value, rng: &mut TestRng) {
        if rng.below(2) == 0 {
            body["messages"][0]["content"] = json!("the quick ".repeat(200));
            let (_, text) = self.whole(self.post(CHAT, &body), &[400]).await;
            assert!(text.contains("context length"), "{text}");
            return;
        }
        let head = format!("{HEAD}expect: 100-continue\r\ncontent-length: {}\r\n\r\n", 40 << 20);
        let answer = first_bytes(&self.open(head.as_bytes()).await).await;
        assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    }

    /// A stream that another client ends.
    async fn aborted(&self, mut body: Value, rng: &mut TestRng, index: u64) {
        let name = format!("chaos-{index}");
        body["stream"] = json!(true);
        let stream = self.stream(self.post(CHAT, &body).header("x-request-id", &name), 1, Duration::ZERO);
        let abort = async {
            tokio::time::sleep(pause(rng, 10)).await;
            // It may be over by then, or have not begun.
            self.whole(self.post("/abort_request", &json!({ "request_id": name })), &[200, 400, 404]).await
        };
        futures_util::future::join(stream, abort).await;
    }

    /// A greedy answer of a model that does not fail.
    async fn probe(&self) -> String {
        let faulty = self.faulty.swap(false, Ordering::Relaxed);
        let body = json!({
            "prompt": "the quick brown fox",
            "temperature": 0,
            "max_tokens": 100,
            "ignore_eos": true,
        });
        let (_, text) = self.whole(self.post("/v1/completions", &body), &[200]).await;
        self.faulty.store(faulty, Ordering::Relaxed);
        let answer: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(answer["usage"]["completion_tokens"], 100);
        answer["choices"][0]["text"].to_string()
    }

    /// Waits until nothing runs and nothing is held.
    async fn until_idle(&self) {
        let stats = || self.pipeline.responder().engine().gauges().stats();
        for _ in 0..5000 {
            let stats = stats();
            if stats.running + stats.waiting + stats.paused + stats.active_blocks == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        panic!("{:?}", stats());
    }

    /// Waits until the metrics say that nothing is done or held.
    async fn until_metrics_are_zero(&self) {
        let labels = format!("model_name=\"{MODEL}\",engine=\"0\"");
        let mut lines = ["num_requests_running", "num_requests_waiting", "num_api_requests_routed"]
            .map(|name| format!("lmdeploy:{name}{{{labels}}} 0\n"))
            .to_vec();
        lines.push(format!("lmdeploy:kv_blocks{{{labels},state=\"active\"}} 0\n"));
        let mut page = String::new();
        for _ in 0..500 {
            let answer = self.http.get(format!("{}/metrics", self.url)).send().await.expect("an answer");
            page = answer.text().await.expect("text");
            if lines.iter().all(|line| page.contains(line)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{lines:?}: {page}");
    }

    /// Notes the memory of the process, where the system tells it.
    fn measure(&self) {
        let pages = || {
            let text = std::fs::read_to_string("/proc/self/statm").ok()?;
            text.split(' ').nth(1)?.parse::<u64>().ok()
        };
        self.resident.lock().expect("nobody panics here").extend(pages());
    }

    /// By how much the memory has grown from the first third to the last, once everything has warmed up.
    fn drift(&self) -> Option<f64> {
        let pages = self.resident.lock().expect("nobody panics here");
        let warm = &pages[pages.len() / 4..];
        let third = warm.len() / 3;
        let mean = |pages: &[u64]| pages.iter().sum::<u64>() as f64 / pages.len() as f64;
        (third > 0).then(|| mean(&warm[warm.len() - third..]) / mean(&warm[..third]) - 1.0)
    }
}

/// The beginning of what comes back.
async fn first_bytes(connection: &TcpStream) -> String {
    let mut bytes = [0; 64];
    loop {
        connection.readable().await.expect("something comes");
        match connection.try_read(&mut bytes) {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            read => return String::from_utf8_lossy(&bytes[..read.expect("an answer")]).into_owned(),
        }
    }
}

/// The request with an answer that is to be `{"a": 1}` or `{"a": 2}`.
fn guided(mut body: Value) -> Value {
    let schema = json!({
        "type": "object",
        "properties": { "a": { "enum": [1, 2] } },
        "required": ["a"],
        "additionalProperties": false,
    });
    body["response_format"] =
        json!({ "type": "json_schema", "json_schema": { "name": "s", "schema": schema } });
    body["max_tokens"] = json!(100);
    body
}

fn check_guided(text: &str) {
    let answer: Value = serde_json::from_str(text).expect("JSON");
    let choice = &answer["choices"][0];
    if choice["finish_reason"] == "stop" {
        let content = choice["message"]["content"].as_str().expect("a text");
        let found: Value = serde_json::from_str(content).expect("JSON as well");
        assert!([json!({ "a": 1 }), json!({ "a": 2 })].contains(&found), "{content}");
    }
}

fn requests() -> u64 {
    match std::env::var("CHAOS_REQUESTS") {
        Ok(number) => number.parse().expect("CHAOS_REQUESTS is a number"),
        Err(_) => ORDINARY,
    }
}

#[test]
fn whatever_clients_do_everything_ends_and_is_given_back() {
    run(async {
        let chaos = Chaos::start().await;
        let before = chaos.probe().await;
        chaos.faulty.store(true, Ordering::Relaxed);
        let (total, next) = (requests(), Arc::new(AtomicU64::new(0)));
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                let (chaos, next) = (Arc::clone(&chaos), Arc::clone(&next));
                tokio::spawn(async move {
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        if index >= total {
                            return;
                        }
                        let ended = tokio::time::timeout(LIMIT, chaos.one(index)).await;
                        assert!(ended.is_ok(), "request {index} does not end");
                        if index.is_multiple_of((total / 100).max(1)) {
                            chaos.measure();
                        }
                    }
                })
            })
            .collect();
        for client in clients {
            client.await.expect("every request ends as it should");
        }
        chaos.until_idle().await;
        chaos.until_metrics_are_zero().await;
        assert_eq!(chaos.probe().await, before);
        let gauges = chaos.pipeline.responder().engine();
        assert!(gauges.gauges().stats().preemptions > 0, "the cache was small");
        let ends = gauges.gauges().ends();
        for kind in ["stop", "length", "abort", "error"] {
            assert!(ends.iter().any(|(name, count)| *name == kind && *count > 0), "{ends:?}");
        }
        let drift = chaos.drift();
        if total >= LONG {
            assert!(drift.is_none_or(|drift| drift <= 0.02), "memory grew by {drift:?}");
        }
    });
}
