//! A small vocabulary, a served mock, a tiny model in a folder.

use std::future::Future;
use std::time::Duration;

use lmdeploy::client::{Client, ClientConfig};
use lmdeploy::engine::Capacity;
use lmdeploy::protocol::{ChatMessage, ChatRequest};
pub(crate) use lmdeploy::testing::tokenizer;
use lmdeploy::testing::{MockModel, MockReply, MockServer};

/// Name of every served model here.
pub(crate) const MODEL: &str = "tiny";

/// Room for a few hundred tokens in small blocks.
pub(crate) fn capacity() -> Capacity {
    Capacity {
        blocks: 128,
        block_tokens: 4,
        max_batched_tokens: 64,
        max_sequences: 8,
        max_position: 256,
        vocab: 320,
        cache_bytes: 0,
    }
}

/// A model that says `text`, with a small cache and context.
pub(crate) fn mock(text: &str) -> MockModel {
    MockModel::from(text).with_name(MODEL).with_capacity(capacity())
}

/// A model that says the prompt again, with a small cache and context.
pub(crate) fn echo() -> MockModel {
    MockModel::from_ids(MockReply::echo()).with_name(MODEL).with_capacity(capacity())
}

/// A chat request with one user message for the served model.
pub(crate) fn ask(text: &str) -> ChatRequest {
    ChatRequest::new([ChatMessage::user(text)]).with_model(MODEL)
}

/// A server on a free port, with its clients.
pub(crate) struct Served {
    pub(crate) client: Client,
    pub(crate) url: String,
    pub(crate) http: reqwest::Client,
    pub(crate) server: MockServer,
}

impl Served {
    /// Serves `model`.
    pub(crate) fn start(model: MockModel) -> Self {
        let server = MockServer::start(model);
        let url = server.url().to_owned();
        let client = Client::new(ClientConfig::new(&url).with_retries(0)).expect("a client");
        let http = reqwest::Client::builder().tls_certs_only(std::iter::empty()).build().expect("a client");
        Self { client, url, http, server }
    }

    /// Posts a body as JSON; status and body of the answer.
    pub(crate) async fn post(&self, route: &str, body: &str) -> (u16, serde_json::Value) {
        let request =
            self.http.post(format!("{}{route}", self.url)).header("content-type", "application/json");
        let response = request.body(body.to_owned()).send().await.expect("an answer");
        let status = response.status().as_u16();
        (status, response.json().await.expect("a JSON answer"))
    }

    /// One value of `/metrics`.
    pub(crate) async fn metric(&self, start: &str) -> u64 {
        let page = self.http.get(format!("{}/metrics", self.url)).send().await.expect("an answer");
        let page = page.text().await.expect("text");
        let line =
            page.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{start}: {page}"));
        line.rsplit(' ').next().and_then(|value| value.parse().ok()).expect("a number")
    }

    /// Waits until no block is held.
    pub(crate) async fn until_free(&self) {
        for _ in 0..1000 {
            if self.metric("lmdeploy:kv_blocks{model_name=\"tiny\",engine=\"0\",state=\"active\"}").await == 0
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        panic!("blocks are still held");
    }
}

/// Runs async code with two threads.
pub(crate) fn run(future: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(future);
}

/// A randomly initialized InternLM2 with a vocabulary, as a Hugging Face folder.
#[cfg(feature = "cli")]
pub(crate) fn tiny_model(dir: &std::path::Path) {
    use internlm_model::{Decoder, ModelConfig, ModelSize};

    let size = ModelSize { hidden: 64, layers: 2, heads: 4, inter: 128, vocab: 320 };
    let config = ModelConfig::new(size).with_kv_heads(2).with_max_position(256);
    let device = internlm_model::device::parse("cpu").expect("the CPU");
    Decoder::init(&config, 7, &device).save(dir).expect("saves");
    tokenizer().save(dir).expect("saves");
}
