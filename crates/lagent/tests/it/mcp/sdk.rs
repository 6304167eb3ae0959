//! Our client and our server against the official SDKs. They run when `LAGENT_MCP_PYTHON` names a Python with the
//! package `mcp`, and when `LAGENT_MCP_NODE` names a folder `node_modules` with `@modelcontextprotocol/sdk`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use lagent::action::{ActionState, Toolbox};
use lagent::mcp::{
    CallOptions, HttpConfig, McpBody, McpConfig, McpError, McpServer, McpServers, OnProgress, Progress,
};
use serde_json::{Value, json};

use super::stage::{Served, calculator, own_program};

fn script(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(name)
}

/// The value of a variable that makes a test run; says so when it is not set.
fn enabled(variable: &str, package: &str) -> Option<OsString> {
    let value = std::env::var_os(variable);
    if value.is_none() {
        println!("skipped: {variable} is not set, expected {package}");
    }
    value
}

fn python() -> Option<String> {
    enabled("LAGENT_MCP_PYTHON", "a Python with the package mcp")?.into_string().ok()
}

fn node_modules() -> Option<String> {
    enabled("LAGENT_MCP_NODE", "a folder node_modules with @modelcontextprotocol/sdk")?.into_string().ok()
}

fn python_server(python: &str) -> McpConfig {
    McpConfig::program(python, [script("mcp_server.py").display().to_string()])
}

fn node_server(modules: &str) -> McpConfig {
    let mut config = McpConfig::program("node", [script("mcp_server.cjs").display().to_string()]);
    config.env.insert("NODE_PATH".to_owned(), modules.to_owned());
    config
}

fn text(server: &McpServer, tool: &str, arguments: &Value) -> String {
    server.call(tool, arguments, &CallOptions::default()).expect("answers").for_model()
}

/// What both test servers have.
fn check_resources_and_prompts(server: &McpServer) {
    let resources = server.resources().expect("lists");
    assert_eq!(resources.iter().map(|resource| resource.uri.as_str()).collect::<Vec<_>>(), ["note://hello"]);
    let contents = server.read_resource("note://hello").expect("reads");
    assert_eq!(contents[0].body, McpBody::Text("Hello!".to_owned()));
    assert!(matches!(server.read_resource("note://nothing"), Err(McpError::Refused { .. })));
    let prompts = server.prompts().expect("lists");
    assert_eq!((prompts[0].name.as_str(), prompts[0].arguments[0].required), ("greet", true));
    let arguments = BTreeMap::from([("name".to_owned(), "Ann".to_owned())]);
    let messages = server.prompt("greet", &arguments).expect("fills in");
    assert_eq!(messages[0].text(), "Say hello to Ann.");
    assert!(matches!(server.prompt("greet", &BTreeMap::new()), Err(McpError::Refused { .. })));
}

/// A list that grows during a call reaches the toolbox.
fn check_changed_list(config: McpConfig) {
    let mut servers = McpServers::connect(&[("sdk".to_owned(), config)].into()).expect("starts");
    let mut tools = Toolbox::default();
    assert!(servers.refresh(&mut tools));
    assert!(!tools.specs().iter().any(|spec| spec.name == "sdk.grown"));
    assert_eq!(tools.call("sdk.grow", &json!({})).for_model(), "added");
    let deadline = Instant::now() + Duration::from_secs(20);
    while !servers.refresh(&mut tools) && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(tools.call("sdk.grown", &json!({})).for_model(), "big");
    servers.close();
}

#[test]
fn the_python_server_works_unchanged() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().expect("temporary folder");
    let mut config = python_server(&python);
    config.files = folder.path().to_path_buf();
    config.timeout_seconds = 0.8;
    let server = McpServer::connect("sdk", &config).expect("starts");
    assert_eq!(
        (server.version().as_str(), server.instructions().as_deref()),
        ("2026-07-28", Some("For tests."))
    );
    let marked = server.tools().into_iter().filter(|tool| tool.needs_approval()).map(|tool| tool.spec().name);
    assert_eq!(marked.collect::<Vec<_>>(), ["sdk.wipe"]);
    assert_eq!(text(&server, "echo", &json!({"text": "größer 大"})), "größer 大");
    let picture = server.call("picture", &json!({}), &CallOptions::default()).expect("answers");
    assert!(fs::read(&picture.result[0].content).expect("a file").starts_with(b"\x89PNG"), "{picture:?}");
    let failed = server.call("fail", &json!({}), &CallOptions::default()).expect("answers");
    assert_eq!(failed.state, ActionState::ApiError);
    let inherited = text(&server, "variables", &json!({}));
    assert!(inherited.contains("PATH") && !inherited.contains("CARGO"), "{inherited}");
    check_progress(&server);
    // Nobody answers questions to a person.
    let asked = server.call("ask", &json!({}), &CallOptions::default());
    assert!(!asked.is_ok_and(|value| value.for_model().contains("accept")));
    check_resources_and_prompts(&server);
    let error = server.call("die", &json!({}), &CallOptions::default()).expect_err("the server ends");
    let McpError::Ended { stderr, .. } = &error else { panic!("{error}") };
    assert!(stderr.ends_with("the last words"), "{error}");
    assert_eq!(text(&server, "echo", &json!({"text": "again"})), "again");
    server.close();
    check_changed_list(python_server(&python));
}

/// Reports arrive and keep a call alive; its deadline ends it nevertheless.
fn check_progress(server: &McpServer) {
    let reports = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&reports);
    let on_progress: OnProgress =
        Arc::new(move |progress: &Progress| heard.lock().expect("no panic").push(progress.clone()));
    let options = CallOptions::default().with_progress(on_progress);
    let value =
        server.call("slow", &json!({"seconds": 1.5}), &options).expect("is kept alive by its reports");
    assert_eq!(value.for_model(), "done");
    let reports = reports.lock().expect("no panic");
    assert!(reports.len() >= 10 && reports.iter().all(|report| report.total == Some(15.0)), "{reports:?}");
    let options = CallOptions::default().with_deadline(Duration::from_millis(300));
    let late = server.call("slow", &json!({"seconds": 30}), &options);
    assert_eq!(late, Err(McpError::Timeout { name: "sdk".to_owned(), milliseconds: 300 }));
}

/// A process that is killed when this is dropped.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // Fails when it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_python_server_works_over_http() {
    let Some(python) = python() else { return };
    let port =
        TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
    let started = Command::new(python)
        .arg(script("mcp_server.py"))
        .args(["http", &port.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let _process = Killed(started.expect("Python starts"));
    let config = McpConfig::at(format!("http://127.0.0.1:{port}/mcp"));
    let deadline = Instant::now() + Duration::from_secs(60);
    let server = loop {
        match McpServer::connect("sdk", &config) {
            Ok(server) => break server,
            Err(error) if Instant::now() > deadline => panic!("{error}"),
            Err(_) => std::thread::sleep(Duration::from_millis(100)),
        }
    };
    assert_eq!(text(&server, "echo", &json!({"text": "hi"})), "hi");
    check_resources_and_prompts(&server);
}

#[test]
fn the_typescript_server_works_unchanged() {
    let Some(modules) = node_modules() else { return };
    let server = McpServer::connect("sdk", &node_server(&modules)).expect("starts");
    // This SDK still begins with a handshake.
    assert_eq!(server.version(), "2025-11-25");
    assert_eq!(text(&server, "echo", &json!({"text": "größer 大"})), "größer 大");
    check_resources_and_prompts(&server);
    server.close();
    check_changed_list(node_server(&modules));
}

fn run_client(mut command: Command) {
    let ran = command.output().expect("the client starts");
    let (stdout, stderr) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{stdout}{stderr}");
    println!("{stdout}");
}

/// The arguments of a client's script, once for each transport.
fn targets(served: &Served) -> [Vec<String>; 2] {
    let own = own_program();
    let stdio = ["stdio".to_owned()].into_iter().chain(own.command).chain(own.args);
    [stdio.collect(), vec!["http".to_owned(), served.url.clone()]]
}

#[test]
fn the_python_client_works_unchanged() {
    let Some(python) = python() else { return };
    let served = Served::start(calculator(), HttpConfig::default());
    for target in targets(&served) {
        let mut command = Command::new(&python);
        command.arg(script("mcp_client.py")).args(target);
        run_client(command);
    }
}

#[test]
fn the_typescript_client_works_unchanged() {
    let Some(modules) = node_modules() else { return };
    let served = Served::start(calculator(), HttpConfig::default());
    for target in targets(&served) {
        let mut command = Command::new("node");
        command.env("NODE_PATH", &modules).arg(script("mcp_client.cjs")).args(target);
        run_client(command);
    }
}
