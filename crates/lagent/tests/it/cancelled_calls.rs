//! Calls that nobody wants any more: a tool that waits for a service or a program ends at once when it is stopped.
//!
//! Each call has an hour; what it took after its stop is printed.

use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use internlm_kit::sandbox::SandboxConfig;
use internlm_kit::stop::Stop;
use lagent::action::{
    Action, ActionReturn, ActionState, CallContext, IPythonInterpreter, Readiness, Service, ToolSettings,
    Toolbox,
};
use lagent::openapi::{OpenApi, OpenApiConfig};
use lagent::tool;
use serde_json::{Value, json};
use tempfile::TempDir;

/// What the end of a call may take on a machine that is busy with other tests; a call that ignores its stop takes longer.
const GENEROUS: Duration = Duration::from_secs(10);
/// How long a service may take to see a request.
const PATIENCE: Duration = Duration::from_secs(30);
/// Time for a program to begin. A call is stopped all the same when it takes longer.
const A_MOMENT: Duration = Duration::from_millis(300);

/// A service that takes every request and never answers.
struct Mute {
    url: String,
    asked: Receiver<()>,
}

impl Mute {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (on_asked, asked) = channel();
        thread::spawn(move || {
            let mut kept = Vec::new();
            for mut stream in listener.incoming().flatten() {
                let is_request = stream.read_exact(&mut [0]).is_ok();
                if is_request && on_asked.send(()).is_err() {
                    return;
                }
                kept.push(stream);
            }
        });
        Self { url, asked }
    }

    fn is_asked(&self) {
        self.asked.recv_timeout(PATIENCE).expect("the service is asked");
    }
}

/// Stops a call once it has begun, and returns what the model reads of it.
fn stopped(tools: &Toolbox, call: (&str, &Value), begun: impl FnOnce()) -> String {
    let (name, arguments) = call;
    let stop = Stop::new();
    let context = CallContext { session: "", deadline: Duration::from_secs(3600), stop: Some(&stop) };
    let (value, waited): (ActionReturn, Duration) = thread::scope(|scope| {
        let call = scope.spawn(|| (tools.call_in(&context, name, arguments), Instant::now()));
        begun();
        let started = Instant::now();
        stop.request();
        let (value, ended) = call.join().expect("no panic");
        (value, ended.saturating_duration_since(started))
    });
    println!("{name}: ended {:.1} ms after its stop", waited.as_secs_f64() * 1e3);
    assert!(waited < GENEROUS, "{name}: {waited:?}");
    assert_ne!(value.state, ActionState::Success, "{name}: {}", value.for_model());
    value.for_model()
}

/// One tool or toolkit, which asks this service.
fn asking(tool: &str, service: Service, folder: &TempDir) -> Toolbox {
    let settings = ToolSettings::default().with_folder(folder.path()).with_service(tool, service);
    Toolbox::with_tools(&[tool.to_owned()], &settings).expect("some sandbox level works")
}

#[test]
fn a_tool_does_not_wait_for_a_service_that_never_answers() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let mute = Mute::start();
    let key = folder.path().join("key");
    fs::write(&key, "key-5f1c7e").expect("writes");
    let plain = || Service::at(&mute.url);
    let keyed = || Service { key_file: Some(key.clone()), ..plain() };
    let browser = || Service {
        extra: [("backend".to_owned(), json!("searxng"))].into(),
        allow: vec!["127.0.0.1".to_owned()],
        ..plain()
    };
    let page = format!("{}/page", mute.url);
    for (tool, method, service, arguments) in [
        ("GoogleSearch", "", keyed(), json!({"query": "a"})),
        ("GoogleScholar", ".get_author_id", keyed(), json!({"mauthors": "N"})),
        ("ArxivSearch", ".get_arxiv_article_information", plain(), json!({"query": "a"})),
        ("BINGMap", ".get_coordinates", keyed(), json!({"location": "Shanghai"})),
        ("BINGMap", ".get_route", keyed(), json!({"start": "A", "end": "B"})),
        ("WebBrowser", ".search", browser(), json!({"query": ["a", "b"]})),
        ("WebBrowser", ".open_url", browser(), json!({"url": page})),
        ("TextToImage", "", plain(), json!({"keywords": "a cat"})),
    ] {
        let tools = asking(tool, service, &folder);
        let text = stopped(&tools, (&format!("{tool}{method}"), &arguments), || mute.is_asked());
        assert!(text.contains("the call was cancelled"), "{tool}{method}: {text}");
    }
}

#[test]
fn an_imported_operation_does_not_wait_for_its_service() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let mute = Mute::start();
    let description = folder.path().join("mute.json");
    let operation = json!({"get": {"operationId": "look", "responses": {"200": {"description": "never"}}}});
    let document = json!({
        "openapi": "3.0.3", "info": {"title": "Mute", "version": "1"}, "paths": {"/look": operation},
    });
    fs::write(&description, document.to_string()).expect("writes");
    let config = OpenApiConfig::new(description.display().to_string())
        .with_server(&mute.url)
        .with_private("127.0.0.1");
    let settings = ToolSettings::default().with_folder(folder.path());
    let mut tools = Toolbox::default();
    for tool in OpenApi::actions("mute", &config, &settings).expect("is configured") {
        tools.add(tool);
    }
    let text = stopped(&tools, ("mute.look", &json!({})), || mute.is_asked());
    assert!(text.contains("the call was cancelled"), "{text}");
}

/// Never ends by itself.
#[tool]
async fn never() {
    std::future::pending::<()>().await;
}

#[test]
fn an_async_function_is_dropped() {
    let mut tools = Toolbox::default();
    tools.add(Arc::new(Never));
    let text = stopped(&tools, ("never", &json!({})), || thread::sleep(A_MOMENT));
    assert_eq!(text, "the call was cancelled");
}

#[test]
fn a_program_that_sleeps_is_killed() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let settings = ToolSettings::default().with_folder(folder.path());
    let code = json!({"command": "import time\ntime.sleep(600)\ndef solution():\n    return 1"});
    for (name, arguments) in [("shell", json!({"command": "sleep 600"})), ("PythonInterpreter", code)] {
        let tools = Toolbox::with_tools(&[name.to_owned()], &settings).expect("some sandbox level works");
        if let Some((name, reason)) = tools.first_unavailable() {
            println!("skipped: {name}: {reason}");
            continue;
        }
        let text = stopped(&tools, (name, &arguments), || thread::sleep(A_MOMENT));
        assert!(text.contains("stopped by the caller"), "{name}: {text}");
    }
}

/// A notebook that has run nothing; `None` with a visible line when there is no Python.
fn notebook(folder: &TempDir) -> Option<Toolbox> {
    let settings = ToolSettings::new(SandboxConfig::default().with_processes(256)).with_folder(folder.path());
    let tool = IPythonInterpreter::new(&settings).expect("some sandbox level works").without_jupyter();
    if let Readiness::Unavailable { reason } = tool.readiness() {
        println!("skipped: IPythonInterpreter: {reason}");
        return None;
    }
    let mut tools = Toolbox::default();
    tools.add(Arc::new(tool));
    Some(tools)
}

#[test]
fn a_notebook_that_starts_or_is_busy_does_not_hold_up_a_stop() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let Some(tools) = notebook(&folder) else { return };
    let cancelled = "the code was interrupted: the call was cancelled";
    let sleep = json!({"command": "import time\ntime.sleep(600)", "timeout": 600});
    // The process is being started.
    let text = stopped(&tools, ("IPythonInterpreter", &sleep), || {});
    assert!(text.ends_with(cancelled), "{text}");
    // The second call of a session waits for the first one.
    let text = stopped(&tools, ("IPythonInterpreter", &sleep), || {
        thread::sleep(A_MOMENT);
        let text = stopped(&tools, ("IPythonInterpreter", &json!({"command": "1"})), || {});
        assert!(text.ends_with(cancelled), "{text}");
    });
    assert!(text.ends_with(cancelled), "{text}");
    let value = tools.call("IPythonInterpreter", &json!({"command": "6 * 7"}));
    assert_eq!(value.for_model(), "42");
}
