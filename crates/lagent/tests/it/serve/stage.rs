//! A server with scripted agents, for as long as a test runs.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use lagent::action::{Action, ActionReturn, Calculator, ToolSpec};
use lagent::client::AgentClient;
use lagent::llm::{Deltas, LanguageModel, ModelRequest};
use lagent::run::{AgentRun, AgentSpec, Approval, ModelOutcome};
use lagent::serve::{Agents, App, ServeConfig, ServedAgent, Server};
use lagent::{Message, Role, Toolbox};
use lmdeploy::client::ClientConfig;
use serde_json::Value;
use tokio::sync::oneshot;

/// How long something may take that a test waits for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Computes a reply from a conversation.
type Reply = dyn Fn(&[Message]) -> String + Send + Sync;

/// A model that computes its replies from the conversation.
#[derive(Clone)]
pub(crate) struct Player {
    reply: Arc<Reply>,
    /// Number of requests under way.
    pub(crate) open: Arc<AtomicUsize>,
}

/// A request under way, until it is dropped.
struct Open(Arc<AtomicUsize>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Player {
    pub(crate) fn new(reply: impl Fn(&[Message]) -> String + Send + Sync + 'static) -> Self {
        Self { reply: Arc::new(reply), open: Arc::default() }
    }

    /// Calls the calculator for `calc EXPRESSION`, waits for ever at `sleep`, and otherwise repeats all questions of
    /// the conversation.
    pub(crate) fn usual() -> Self {
        Self::new(|messages| {
            let last = messages.last().expect("a message");
            if last.role == Role::Environment {
                return format!("It is {}.", last.text());
            }
            if let Some(expression) = last.text().strip_prefix("calc ") {
                return calculate(expression);
            }
            let questions = messages.iter().filter(|message| message.role == Role::User);
            questions.map(Message::text).collect::<Vec<_>>().join("|")
        })
    }
}

/// A call of the calculator as InternLM2 writes it.
pub(crate) fn calculate(expression: &str) -> String {
    let body = format!("{{\"name\": \"Calculator\", \"parameters\": {{\"expression\": \"{expression}\"}}}}");
    format!("I compute.<|action_start|><|plugin|>\n{body}<|action_end|>")
}

impl LanguageModel for Player {
    fn name(&self) -> &str {
        "player"
    }

    async fn chat(&self, request: ModelRequest<'_>) -> ModelOutcome {
        self.open.fetch_add(1, Ordering::SeqCst);
        let _open = Open(Arc::clone(&self.open));
        if request.messages.last().is_some_and(|message| message.text() == "sleep") {
            std::future::pending::<()>().await;
        }
        ModelOutcome::text((self.reply)(request.messages))
    }

    async fn stream(&self, request: ModelRequest<'_>, deltas: Deltas<'_>) -> ModelOutcome {
        let outcome = self.chat(request).await;
        if let ModelOutcome::Reply { content, .. } = &outcome {
            content.split_inclusive(' ').for_each(deltas);
        }
        outcome
    }
}

/// A tool that counts its calls.
#[derive(Clone, Default)]
pub(crate) struct Counter(pub(crate) Arc<AtomicUsize>);

impl Action for Counter {
    fn spec(&self) -> ToolSpec {
        Calculator.spec()
    }

    fn call(&self, arguments: &Value) -> ActionReturn {
        self.0.fetch_add(1, Ordering::SeqCst);
        Calculator.call(arguments)
    }
}

/// A running server on a free port. Dropping it cancels what is running.
pub(crate) struct Stage {
    pub(crate) client: AgentClient,
    pub(crate) url: String,
    pub(crate) app: App,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Stage {
    /// A server whose first agent is `player` with the calculator; `careful` is the same with approvals.
    pub(crate) fn start(player: &Player) -> Self {
        Self::with(player, &Counter::default(), config())
    }

    pub(crate) fn with(player: &Player, counter: &Counter, config: ServeConfig) -> Self {
        let mut tools = Toolbox::default();
        tools.add(Arc::new(counter.clone()));
        let spec = AgentSpec::internlm2(tools.specs());
        let agents = [
            ServedAgent::new("solver", AgentRun::new(spec.clone()), player.clone(), tools.clone()),
            ServedAgent::new(
                "careful",
                AgentRun::new(spec.with_approval(Approval::Always)),
                player.clone(),
                tools,
            ),
        ];
        Self::of(Agents::new(agents).expect("two agents"), config)
    }

    pub(crate) fn of(agents: Agents, config: ServeConfig) -> Self {
        let app = App::new(agents, &config).expect("an app");
        let served = app.clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let (ready, on_ready) = mpsc::channel();
        let bound = config.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
            let runtime = runtime.expect("a runtime");
            runtime.block_on(async move {
                let server = Server::bind(&bound).await.expect("a free port");
                ready.send(server.url()).expect("the test waits");
                let stopped = async {
                    // An error means that the sender is gone, which is the same wish.
                    let _ = stopped.await;
                };
                server.run(served, stopped).await.expect("serves");
            });
            runtime.shutdown_background();
        });
        let url = on_ready.recv().expect("the server has started");
        let client = client(&url, config.api_keys.first().map(String::as_str));
        Self { client, url, app, stop: Some(stop), thread: Some(thread) }
    }

    /// Asks the server to stop, as a signal would.
    pub(crate) fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            stop.send(()).expect("the server runs");
        }
    }

    /// Waits until the server has ended.
    pub(crate) fn join(mut self) {
        self.stop();
        self.thread.take().expect("a thread").join().expect("no panic");
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Settings of a server that does not wait for what still runs at its end.
pub(crate) fn config() -> ServeConfig {
    let mut config = ServeConfig::default().with_port(0);
    config.drain_timeout = 0.0;
    config
}

pub(crate) fn client(url: &str, key: Option<&str>) -> AgentClient {
    let mut config = ClientConfig::new(url).with_retries(0);
    config.api_key = key.map(str::to_owned);
    AgentClient::new(config).expect("a client")
}

/// Runs a test in a runtime of its own.
pub(crate) fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        tokio::time::timeout(2 * PATIENCE, test).await.expect("the test ends");
    });
}

/// Waits until something holds.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("{what}"));
}

/// The status, the field and the message of a refusal.
pub(crate) fn refusal<T: std::fmt::Debug>(result: lagent::Result<T>) -> (u16, Option<String>, String) {
    match result {
        Err(lagent::Error::AgentServer(lmdeploy::Error::Status { status, message, detail, .. })) => {
            (status, detail.param.clone(), message)
        }
        other => panic!("expected a refusal, found {other:?}"),
    }
}

/// The answer of the server to a raw request: its status and its body.
pub(crate) async fn raw(url: &str, method: &str, path: &str, body: Option<&str>) -> (u16, Value) {
    let address = url.trim_start_matches("http://").to_owned();
    let body = body.unwrap_or_default();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let exchange = move || {
        let mut stream = TcpStream::connect(address).expect("connects");
        stream.write_all(head.as_bytes()).expect("sends");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("reads");
        answer
    };
    let answer = tokio::task::spawn_blocking(exchange).await.expect("no panic");
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body).unwrap_or_default();
    (status, serde_json::from_str(body).unwrap_or(Value::String(body.to_owned())))
}
