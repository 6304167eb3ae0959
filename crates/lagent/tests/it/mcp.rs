//! MCP both ways: our client against our server, on standard input and output and over HTTP, and what happens when
//! one of them is missing, slow, or ends.

mod leak;
mod sdk;
mod stage;

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use internlm_kit::exit::BadInput;
use internlm_kit::stop::Stop;
use lagent::Toolbox;
use lagent::action::ActionState;
use lagent::mcp::{
    CallOptions, HttpConfig, McpApproval, McpConfig, McpError, McpServer, McpServers, ToolServer,
};
use lagent::run::Approval;
use serde_json::{Value, json};

use self::stage::{Served, Wait, calculator, own_program, toolbox};
use crate::terminal::{lagent, program};

fn options() -> CallOptions {
    CallOptions::default()
}

fn names(server: &McpServer) -> Vec<String> {
    server.tools().iter().map(|tool| tool.spec().name).collect()
}

/// What every server with the calculator has to do.
fn check_calculator(server: &McpServer) {
    assert_eq!((names(server), server.version().as_str()), (vec!["own.Calculator".to_owned()], "2026-07-28"));
    assert_eq!((server.resources(), server.prompts()), (Ok(Vec::new()), Ok(Vec::new())));
    assert!(server.instructions().is_some_and(|text| text.contains("lagent")));
    let tool = &server.tools()[0];
    assert_eq!(tool.spec().required(), ["expression"]);
    let value = tool.call(&json!({"expression": "12 * 34"}));
    assert_eq!((value.kind.as_str(), value.for_model().as_str()), ("own.Calculator", "408"));
    let value = tool.call(&json!({"expression": "1 / 0"}));
    assert_eq!(value.state, ActionState::ApiError);
    assert!(value.for_model().contains("division by zero"), "{}", value.for_model());
    let value = tool.call(&json!("12 * 34"));
    assert_eq!(
        (value.state, value.for_model().as_str()),
        (ActionState::ArgsError, "invalid json format: \"12 * 34\"")
    );
    let error = server.call("Calculater", &json!({}), &options()).expect_err("no such tool");
    assert!(
        matches!(&error, McpError::Refused { code: -32602, message, .. } if message.contains("Calculator")),
        "{error}"
    );
}

#[test]
fn tools_are_called_on_standard_input_and_output() {
    let server = McpServer::connect("own", &own_program()).expect("starts");
    check_calculator(&server);
    server.close();
    let error = server.call("Calculator", &json!({}), &options()).expect_err("closed");
    assert!(matches!(&error, McpError::Ended { .. }), "{error}");
}

#[test]
fn tools_are_called_over_http() {
    let served = Served::start(calculator(), HttpConfig::default());
    let server = McpServer::connect("own", &McpConfig::at(&served.url)).expect("connects");
    check_calculator(&server);
    let clones: Vec<_> = (0..8).map(|_| server.clone()).collect();
    let threads = clones.into_iter().enumerate().map(|(number, server)| {
        std::thread::spawn(move || {
            let arguments = json!({"expression": format!("{number} * 10")});
            server.call("Calculator", &arguments, &options()).expect("answers").for_model()
        })
    });
    let threads: Vec<_> = threads.collect();
    let answers: Vec<_> = threads.into_iter().map(|thread| thread.join().expect("no panic")).collect();
    assert_eq!(answers, ["0", "10", "20", "30", "40", "50", "60", "70"]);
}

#[test]
fn a_key_is_asked_for_and_separates_sessions() {
    let mut config = HttpConfig::default();
    config.keys = vec!["first".to_owned(), "second".to_owned()];
    let served = Served::start(ToolServer::new(toolbox()), config);
    let folder = tempfile::tempdir().expect("temporary folder");
    let session_with = |key: &str| {
        let path = folder.path().join(key);
        fs::write(&path, key).expect("writes");
        let mut config = McpConfig::at(&served.url);
        config.key_file = Some(path);
        let server = McpServer::connect("own", &config)?;
        server.call("Session", &json!({}), &options()).map(|value| value.for_model())
    };
    let (first, second) = (session_with("first").expect("a key"), session_with("second").expect("a key"));
    assert!(first != second && first.len() == 16 && !first.contains("first"), "{first} {second}");
    let error = session_with("third").expect_err("not a key");
    assert!(matches!(&error, McpError::Start { .. }) && error.is_bad_input(), "{error}");
    assert!(!error.to_string().contains("third"), "{error}");
}

#[test]
fn calls_that_need_approval_are_refused_and_marked() {
    let server = ToolServer::new(toolbox()).with_approval(Approval::Tools(["Session".to_owned()].into()));
    let served = Served::start(server, HttpConfig::default());
    let needs = |approval| {
        let mut config = McpConfig::at(&served.url);
        config.approval = approval;
        let server = McpServer::connect("own", &config).expect("connects");
        let needs: Vec<bool> = server.tools().iter().map(|tool| tool.needs_approval()).collect();
        (needs, server.call("Session", &json!({}), &options()).expect("answers"))
    };
    // Panic, Session, Sleep.
    let (marked, value) = needs(McpApproval::Marked);
    assert_eq!((marked, value.state), (vec![false, true, false], ActionState::ApiError));
    assert!(
        value.for_model().contains("a person has to approve calls of `Session`"),
        "{}",
        value.for_model()
    );
    assert_eq!(needs(McpApproval::Never).0, [false; 3]);
    assert_eq!(needs(McpApproval::Always).0, [true; 3]);
}

#[test]
fn a_call_ends_at_its_deadline_or_when_it_is_stopped() {
    let served = Served::start(ToolServer::new(toolbox()), HttpConfig::default());
    let server = McpServer::connect("own", &McpConfig::at(&served.url)).expect("connects");
    let long = json!({"seconds": 6});
    let started = Instant::now();
    let late = server.call("Sleep", &long, &options().with_deadline(Duration::from_millis(200)));
    assert_eq!(late, Err(McpError::Timeout { name: "own".to_owned(), milliseconds: 200 }));
    let stop = Stop::new();
    let stopping = stop.clone();
    let thread = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(100));
        stopping.request();
    });
    let stopped = server.call("Sleep", &long, &options().with_stop(stop));
    assert_eq!(stopped, Err(McpError::Cancelled { name: "own".to_owned() }));
    thread.join().expect("no panic");
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    // The connection is as good as before, and a tool that panics does not harm it either.
    let panicked = server.call("Panic", &json!({}), &options()).expect("answers");
    assert_eq!((panicked.state, panicked.for_model().as_str()), (ActionState::ApiError, "the tool panicked"));
    assert_eq!(
        server.call("Sleep", &json!({"seconds": 0}), &options()).expect("answers").for_model(),
        "slept"
    );
}

#[test]
fn a_tool_is_told_that_nobody_waits_for_it_any_more() {
    let told = Arc::new(AtomicUsize::new(0));
    let mut tools = Toolbox::default();
    tools.add(Arc::new(Wait(Arc::clone(&told))));
    let tool_server = ToolServer::new(tools).with_deadline(Duration::from_millis(300));
    let served = Served::start(tool_server, HttpConfig::default());
    let server = McpServer::connect("own", &McpConfig::at(&served.url)).expect("connects");
    let late = server.call("Wait", &json!({}), &options()).expect("answers");
    assert_eq!(late.for_model(), "the tool did not end within 300 ms");
    let started = Instant::now();
    while told.load(Ordering::SeqCst) == 0 {
        assert!(started.elapsed() < Duration::from_secs(20), "the tool still waits");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_connection_without_a_request_does_not_hold_up_the_end() {
    let served = Served::start(calculator(), HttpConfig::default());
    let address = served.url.trim_start_matches("http://").trim_end_matches("/mcp").to_owned();
    let mut idle = TcpStream::connect(address).expect("connects");
    idle.write_all(b"POST /mcp HT").expect("sends");
    // The server takes connections one after the other, so it has seen the first one.
    McpServer::connect("own", &McpConfig::at(&served.url)).expect("connects").close();
    // Waits for the end of the server.
    drop(served);
    drop(idle);
}

#[test]
fn a_program_that_has_ended_is_started_again() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("pid");
    let script = format!("echo $$ > {}; exec \"$@\"", path.display());
    let own = own_program();
    let command = own.command.iter().chain(&own.args).cloned();
    let mut config =
        McpConfig::program("sh", ["-c".to_owned(), script, "sh".to_owned()].into_iter().chain(command));
    config.env = own.env.clone();
    let server = McpServer::connect("own", &config).expect("starts");
    let pid = || fs::read_to_string(&path).expect("the program has started").trim().to_owned();
    let first = pid();
    let killed = std::process::Command::new("kill").args(["-KILL", &first]).status().expect("kill is there");
    assert!(killed.success());
    let deadline = Instant::now() + Duration::from_secs(10);
    while is_running(&first) && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(5));
    }
    let value =
        server.call("Calculator", &json!({"expression": "6 * 7"}), &options()).expect("is started again");
    assert_eq!(value.for_model(), "42");
    let second = pid();
    assert_ne!(first, second);
    server.close();
    assert!(!is_running(&second), "the program survives its client");
}

/// Whether a process exists and is not a zombie. Its first thread may be one while the others are still ending.
fn is_running(pid: &str) -> bool {
    let process = Path::new("/proc").join(pid);
    let stat = fs::read_to_string(process.join("stat")).unwrap_or_default();
    let threads = fs::read_dir(process.join("task")).map_or(0, Iterator::count);
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z') || threads > 1)
}

#[test]
fn what_is_not_a_server_is_named_with_its_last_words() {
    let start = |config: &McpConfig| McpServer::connect("own", config).expect_err("not a server");
    let missing = start(&McpConfig::program("no-such-program", [""; 0]));
    assert!(
        missing.is_bad_input() && missing.to_string().starts_with("mcp.own: cannot start: no-such-program"),
        "{missing}"
    );
    let broken = start(&McpConfig::program("sh", ["-c", "echo it is broken >&2; exit 3"]));
    assert!(broken.to_string().ends_with("; it wrote: it is broken"), "{broken}");
    let mut silent = McpConfig::program("sleep", ["60"]);
    silent.start_seconds = 0.3;
    assert_eq!(start(&silent), McpError::Timeout { name: "own".to_owned(), milliseconds: 300 });
    let nobody = start(&McpConfig::at("http://127.0.0.1:9/mcp"));
    assert!(nobody.is_bad_input() && nobody.to_string().contains("http://127.0.0.1:9/mcp"), "{nobody}");
    let mut chosen = own_program();
    chosen.tools = Some(vec!["Calculater".to_owned()]);
    let expected = "mcp.own: tools: found `Calculater`, expected one of Calculator";
    assert_eq!(start(&chosen).to_string(), expected);
    let named = McpServer::connect("a b", &own_program()).expect_err("a bad name");
    assert!(named.is_bad_input(), "{named}");
}

#[test]
fn a_toolbox_follows_its_servers() {
    let configs = [("b".to_owned(), own_program()), ("a".to_owned(), own_program())].into();
    let mut servers = McpServers::connect(&configs).expect("start");
    let mut tools = Toolbox::default();
    assert!(servers.refresh(&mut tools) && !servers.refresh(&mut tools));
    let names: Vec<String> = tools.specs().into_iter().map(|spec| spec.name).collect();
    assert_eq!(names, ["a.Calculator", "b.Calculator"]);
    assert_eq!(tools.call("b.Calculator", &json!({"expression": "2^10"})).for_model(), "1024");
    servers.close();
    let value = tools.call("b.Calculator", &json!({"expression": "2^10"}));
    assert_eq!(value.state, ActionState::HttpError);
}

#[test]
fn the_command_line_lists_calls_and_serves() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let own: Vec<String> = own_program().command.into_iter().chain(own_program().args).collect();
    let run = |arguments: &[&str]| {
        let arguments = arguments.iter().copied().chain(["--"]).chain(own.iter().map(String::as_str));
        lagent(folder.path(), &arguments.collect::<Vec<_>>())
    };
    let listed = run(&["mcp", "list"]);
    assert_eq!(listed.code, Some(0), "{}", listed.stderr);
    assert!(listed.stdout.starts_with("protocol 2026-07-28\ntool     mcp.Calculator  "), "{}", listed.stdout);
    let json = run(&["mcp", "list", "--json"]);
    let line: Value = serde_json::from_str(json.stdout.trim()).expect("one line of JSON");
    assert_eq!(line["tool"]["name"], "mcp.Calculator");
    let called = run(&["mcp", "call", "Calculator", "{\"expression\": \"6*7\"}"]);
    assert_eq!((called.code, called.stdout.as_str()), (Some(0), "42\n"), "{}", called.stderr);
    let failed = run(&["mcp", "call", "Calculator", "{\"expression\": \"1/0\"}"]);
    assert_eq!((failed.code, failed.stdout.as_str()), (Some(1), ""));
    assert!(failed.stderr.contains("Calculator: error: position 2: division by zero"), "{}", failed.stderr);
    let torn = run(&["mcp", "call", "Calculator", "{"]);
    assert_eq!(torn.code, Some(2), "{}", torn.stderr);
    for (arguments, part) in [
        (&["mcp", "list"][..], "found no server, expected one of --url, --agent, or a command after `--`"),
        (&["mcp", "serve", "--approve", "Calculater"], "tool `Calculater`: unknown"),
        (&["mcp", "serve", "--http", "0.0.0.0:0", "--tool", "Calculator"], "found no keys for 0.0.0.0"),
        (
            &["mcp", "list", "--url", "http://127.0.0.1:9/mcp"],
            "mcp.mcp: cannot start: http://127.0.0.1:9/mcp",
        ),
        (&["mcp", "list", "--", "no-such-program"], "no-such-program"),
    ] {
        let ran = lagent(folder.path(), arguments);
        assert_eq!(ran.code, Some(2), "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(part), "{arguments:?}: {}", ran.stderr);
    }
}

#[test]
fn every_line_of_standard_output_is_a_message() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let lines = [
        json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "future": true, "params": {
            "protocolVersion": "2024-11-05", "capabilities": {"future": {}},
            "clientInfo": {"name": "old", "version": "0", "future": 1},
        }}),
        json!({"jsonrpc": "2.0", "method": "notifications/initialized"}),
        json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {
            "name": "Calculator", "arguments": {"expression": "6*7"}, "future": [],
        }}),
    ];
    let input: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let ran = program(folder.path()).with_input(input).run(["mcp", "serve", "--tool", "Calculator"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let answers: Vec<Value> =
        ran.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let [first, second] = answers.as_slice() else { panic!("{answers:?}") };
    assert_eq!((&first["id"], &first["result"]["protocolVersion"]), (&json!(1), &json!("2024-11-05")));
    assert_eq!((&second["id"], &second["result"]["content"][0]["text"]), (&json!(2), &json!("42")));
    assert_eq!(second["result"].get("resultType"), None, "an older client does not know this field");
}
