//! A small vocabulary, a served mock, a tiny model in a folder.

use std::future::Future;
use std::time::Duration;

use internlm_model::chat::ChatTemplate;
use internlm_model::tokenizer::{BpeTrainConfig, train_bpe};
use internlm_model::{TokenId, Tokenizer};
use lmdeploy::Pipeline;
use lmdeploy::client::{Client, ClientConfig};
use lmdeploy::engine::{Capacity, Executor, MockExecutor, MockReply, SchedulerConfig};
use lmdeploy::respond::ServedModel;
use lmdeploy::serve::{App, ServeConfig, Server};

/// Name of every served model here.
pub(crate) const MODEL: &str = "tiny";

/// A byte-level vocabulary of our own text.
pub(crate) fn tokenizer() -> Tokenizer {
    let texts = ["the quick brown fox jumps over the lazy dog", "{\"name\": \"add\", \"parameters\": {}}"];
    let config = BpeTrainConfig { vocab_size: 320, min_frequency: 1 };
    train_bpe(texts.into_iter().map(str::to_owned), &config).expect("trains")
}

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

/// Ids of a text that may hold special tokens.
pub(crate) fn script(text: &str) -> MockReply {
    MockReply::Script(tokenizer().encode_with_special(text))
}

/// A mock that says `text`, then `</s>`.
pub(crate) fn mock(text: &str) -> MockExecutor {
    MockExecutor::new(script(text), capacity()).with_end(TokenId(2))
}

/// A server on a free port, with its client.
pub(crate) struct Served {
    pub(crate) client: Client,
    pub(crate) url: String,
    pub(crate) app: App,
    pub(crate) http: reqwest::Client,
    _pipeline: Pipeline,
}

impl Served {
    /// Serves `executor`, changing the scheduler's limits first.
    pub(crate) async fn with(executor: MockExecutor, limits: impl FnOnce(&mut SchedulerConfig)) -> Self {
        let mut scheduler = SchedulerConfig::new(&executor.capacity());
        limits(&mut scheduler);
        let model = ServedModel::new(MODEL, tokenizer(), Some(ChatTemplate::InternLm2), &[]);
        let pipeline = Pipeline::new(Box::new(executor), model, scheduler, 0);
        let config = ServeConfig { host: "127.0.0.1".to_owned(), port: 0, ..ServeConfig::default() };
        let server = Server::bind(config).await.expect("a free port");
        let url = server.url();
        let app = App::new(pipeline.responder().clone());
        tokio::spawn(server.run(app.clone(), std::future::pending()));
        let client = Client::new(ClientConfig { retries: 0, ..ClientConfig::new(&url) }).expect("a client");
        let http = reqwest::Client::builder().tls_certs_only(std::iter::empty()).build().expect("a client");
        Self { client, url, app, http, _pipeline: pipeline }
    }

    pub(crate) async fn start(executor: MockExecutor) -> Self {
        Self::with(executor, |_| {}).await
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
            if self.metric("lmdeploy:kv_blocks{model_name=\"tiny\",state=\"active\"}").await == 0 {
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
