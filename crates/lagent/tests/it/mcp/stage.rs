//! Servers for the tests: our own binary as a program, and a server of this process at a free port.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use internlm_kit::stop::Stop;
use lagent::Toolbox;
use lagent::action::{Action, ActionReturn, Calculator, CallContext, ToolSpec};
use lagent::mcp::{HttpConfig, McpConfig, ToolServer};
use serde_json::Value;
use tokio::sync::oneshot;

/// Our own binary with the calculator.
pub(super) fn own_program() -> McpConfig {
    let arguments = ["mcp", "serve", "--tool", "Calculator"];
    let mut config = McpConfig::program(env!("CARGO_BIN_EXE_lagent"), arguments);
    config.env.insert("INTERNLM_LOG".to_owned(), "off".to_owned());
    config
}

/// A server with the calculator.
pub(super) fn calculator() -> ToolServer {
    let mut tools = Toolbox::default();
    tools.add(Arc::new(Calculator));
    ToolServer::new(tools)
}

/// Tools that sleep, panic, and tell their session.
pub(super) fn toolbox() -> Toolbox {
    let mut tools = Toolbox::default();
    tools.add(Arc::new(Sleep));
    tools.add(Arc::new(Panic));
    tools.add(Arc::new(Session));
    tools
}

struct Sleep;
struct Panic;
struct Session;

impl Action for Sleep {
    fn spec(&self) -> ToolSpec {
        let mut spec = ToolSpec::with_texts("Sleep", "Sleeps.", &["seconds"]);
        spec.parameters["properties"]["seconds"]["type"] = "number".into();
        spec
    }

    fn call(&self, arguments: &Value) -> ActionReturn {
        std::thread::sleep(Duration::from_secs_f64(arguments["seconds"].as_f64().unwrap_or_default()));
        ActionReturn::text("Sleep", arguments.clone(), "slept")
    }
}

/// A tool that waits until nobody wants its result, and counts how often that was so.
pub(super) struct Wait(pub(super) Arc<AtomicUsize>);

impl Action for Wait {
    fn spec(&self) -> ToolSpec {
        ToolSpec::with_texts("Wait", "Waits.", &[])
    }

    fn call(&self, arguments: &Value) -> ActionReturn {
        self.call_in(&CallContext::default(), arguments)
    }

    fn call_in(&self, context: &CallContext<'_>, arguments: &Value) -> ActionReturn {
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(30) {
            if context.stop.is_some_and(Stop::is_requested) {
                self.0.fetch_add(1, Ordering::SeqCst);
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        ActionReturn::text("Wait", arguments.clone(), "waited")
    }
}

impl Action for Panic {
    fn spec(&self) -> ToolSpec {
        ToolSpec::with_texts("Panic", "Panics.", &[])
    }

    fn call(&self, _: &Value) -> ActionReturn {
        panic!("as asked for by the test");
    }
}

impl Action for Session {
    fn spec(&self) -> ToolSpec {
        ToolSpec::with_texts("Session", "Tells its session.", &[])
    }

    fn call(&self, arguments: &Value) -> ActionReturn {
        self.call_in(&CallContext::default(), arguments)
    }

    fn call_in(&self, context: &CallContext<'_>, arguments: &Value) -> ActionReturn {
        ActionReturn::text("Session", arguments.clone(), context.session)
    }
}

/// A server that listens until this is dropped.
pub(super) struct Served {
    pub(super) url: String,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Served {
    pub(super) fn start(server: ToolServer, config: HttpConfig) -> Self {
        let (sender, address) = std::sync::mpsc::channel();
        let (end, ended) = oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
                sender.send(listener.local_addr().expect("an address")).expect("somebody waits");
                let end = async move {
                    // The sender is dropped if the test fails.
                    let _ = ended.await;
                };
                server.serve_http(listener, config, end).await.expect("serves");
            });
            // Without waiting for tools that still sleep.
            runtime.shutdown_background();
        });
        let address = address.recv().expect("the server listens");
        Self { url: format!("http://{address}/mcp"), end: Some(end), thread: Some(thread) }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.end.take();
        if let Some(thread) = self.thread.take().filter(|_| !std::thread::panicking()) {
            thread.join().expect("the server ends without a panic");
        }
    }
}
