//! [`MockServer`]: the real HTTP server on a mock model, for as long as a test runs.

use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use internlm_model::tokenizer::Special;
use internlm_model::{TokenId, Tokenizer};
use tokio::sync::oneshot;

use super::{MockLog, MockModel};
use crate::config::ServerConfig;
use crate::serve::{App, Server};

/// A running server on a free port of 127.0.0.1. Dropping it cancels what is running and closes the port.
///
/// It runs on threads of its own: tests need no async runtime, and may have one.
///
/// ```
/// # #[cfg(feature = "client")]
/// # fn main() -> lmdeploy::Result<()> {
/// use lmdeploy::client::{Client, ClientConfig};
/// use lmdeploy::protocol::{ChatMessage, ChatRequest};
/// use lmdeploy::testing::MockServer;
///
/// let server = MockServer::start("four");
/// let client = Client::new(ClientConfig::new(server.url()))?;
/// let request = ChatRequest::new([ChatMessage::user("2+2?")]);
/// let runtime = tokio::runtime::Runtime::new().expect("a runtime");
/// let answer = runtime.block_on(client.chat(&request))?;
/// assert_eq!(answer.text(), "four");
/// assert_eq!(
///     server.prompt_texts(),
///     ["<s><|im_start|>user\n2+2?<|im_end|>\n<|im_start|>assistant\n"]
/// );
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "client"))]
/// # fn main() {}
/// ```
#[derive(Debug)]
pub struct MockServer {
    app: App,
    url: String,
    tokenizer: Tokenizer,
    log: MockLog,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl MockServer {
    /// Starts a server for `model`: replies as text, or a [`MockModel`].
    ///
    /// # Panics
    /// When the system has no free port or no thread left.
    #[must_use]
    pub fn start(model: impl Into<MockModel>) -> Self {
        let model = model.into();
        let tokenizer = model.tokenizer().clone();
        let executor = model.executor();
        let log = executor.log();
        let pipeline = model.pipeline_of(executor);
        let app = App::new(pipeline.responder().clone());
        let served = app.clone();
        let (stop, stopped) = oneshot::channel();
        let (ready, on_ready) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.expect("the system has resources for a runtime");
            runtime.block_on(async move {
                let config =
                    ServerConfig::default().with_host("127.0.0.1").with_port(0).with_drain_timeout(0.0);
                let server = Server::bind(&config).await.expect("the system has a free port");
                // Nobody listens only when the test has panicked in between.
                let _ = ready.send(server.url());
                let stopped = async {
                    // An error means that the sender is gone, which is the same request to stop.
                    let _ = stopped.await;
                };
                server.run(served, stopped).await.expect("a bound listener accepts connections");
            });
            // Handlers are gone with the runtime and have cancelled their generations.
            drop(runtime);
            pipeline.shutdown(Duration::ZERO);
        });
        let url = on_ready.recv().expect("the server's thread has reported its address");
        Self { app, url, tokenizer, log, stop: Some(stop), thread: Some(thread) }
    }

    /// Its address, `http://127.0.0.1:PORT`, without a trailing slash and without `/v1`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What requests put into `model`: the default name of [`MockModel`], or the one that it was given.
    #[must_use]
    pub fn model_name(&self) -> &str {
        self.app.model_name()
    }

    /// The vocabulary of the served model, for example to save it for a program that reads tokenizers from files.
    #[must_use]
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// The ids of every prompt that the engine has received, in order of arrival.
    #[must_use]
    pub fn prompts(&self) -> Vec<Vec<TokenId>> {
        self.log.prompts()
    }

    /// The prompts as text, special tokens included.
    #[must_use]
    pub fn prompt_texts(&self) -> Vec<String> {
        self.prompts().iter().map(|prompt| self.tokenizer.decode(prompt, Special::Keep)).collect()
    }

    /// The handlers' state, for example to drain the server.
    #[must_use]
    pub fn app(&self) -> &App {
        &self.app
    }
}

impl Drop for MockServer {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // Fails when the server has already ended.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was reported when it happened; a second one here would abort the test run.
            let _ = thread.join();
        }
    }
}
