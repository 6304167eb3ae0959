//! The `lagent` binary as a user runs it.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use internlm_kit::testing::{Program, Ran, Response, TestServer};
use serde_json::json;

use crate::batch::questions;
use crate::server::{CHAT, calculator};

/// A recording of lagent without any call.
const RECORDING: &str = r#"{"id": "r", "agent": "ReAct", "max_turn": 3, "question": "q", "tools": [], "tool_calls": [],
    "protocol": {"call_protocol": "P", "force_stop": "S", "thought": {"begin": "Thought:"},
        "action": {"begin": "Action:"}, "action_input": {"begin": "Action Input:"},
        "response": {"begin": "Response:"}, "finish": {"begin": "Final Answer:"}},
    "turns": [{"prompt": [{"role": "system", "content": "P"}, {"role": "user", "content": "q"}],
        "reply": "Final Answer:7"}], "final": "7"}"#;

/// The binary in `folder`.
pub(crate) fn program(folder: &Path) -> Program {
    Program::new(env!("CARGO_BIN_EXE_lagent"), folder)
}

/// Runs the binary in `folder` without input.
pub(crate) fn lagent(folder: &Path, arguments: &[&str]) -> Ran {
    program(folder).run(arguments)
}

#[test]
fn chat_streams_and_shows_calls() {
    let server = calculator();
    let folder = tempfile::tempdir().expect("temporary folder");
    std::fs::write(folder.path().join("a.toml"), "tools = [\"Calculator\"]\n").expect("writes");
    let set = format!("model.base-url={}", server.url());
    let input = "What is 12 x 34?\nWhat is 1/0?\n";
    let ran = program(folder.path()).with_input(input).run(["chat", "a.toml", "--set", &set]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(
        ran.stdout,
        "\n[Calculator {\"expression\":\"12 x 34\"}]\n[-> 408]\nThe answer is 408.\n\
         \n[Calculator {\"expression\":\"1/0\"}]\n[-> error: position 2: division by zero]\n\
         The answer is error: position 2: division by zero.\n"
    );
}

#[test]
fn an_empty_line_asks_nothing_and_only_exit_ends_the_conversation() {
    let server = calculator();
    let folder = tempfile::tempdir().expect("temporary folder");
    std::fs::write(folder.path().join("a.toml"), "tools = [\"Calculator\"]\n").expect("writes");
    let set = format!("model.base-url={}", server.url());
    let input = "\n\nWhat is 12 x 34?\n\n/exit\nWhat is 1 + 1?\n";
    let ran = program(folder.path()).with_input(input).run(["chat", "a.toml", "--set", &set]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(ran.stdout, "\n[Calculator {\"expression\":\"12 x 34\"}]\n[-> 408]\nThe answer is 408.\n");
}

#[test]
fn a_person_decides_about_calls_that_need_approval() {
    let server = calculator();
    let folder = tempfile::tempdir().expect("temporary folder");
    let config = "tools = [\"Calculator\"]\napproval = \"always\"\n";
    std::fs::write(folder.path().join("a.toml"), config).expect("writes");
    let set = format!("model.base-url={}", server.url());
    for (decision, answer) in [
        ("y", "[-> 408]\nThe answer is 408.\n"),
        (
            "n",
            "[-> The call was refused: the user said no]\nThe answer is The call was refused: the user said no.\n",
        ),
        ("", "[-> The call was refused: the user said no]\n"),
    ] {
        let input = format!("What is 12 x 34?\n{decision}\n");
        let ran = program(folder.path()).with_input(input).run(["chat", "a.toml", "--set", &set]);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        assert!(
            ran.stderr.contains("allow Calculator {\"expression\":\"12 x 34\"}? [y/N]"),
            "{}",
            ran.stderr
        );
        assert!(ran.stdout.contains(answer), "{decision}: {}", ran.stdout);
        // A call that waits for approval is not shown as if it had been made.
        assert_eq!(ran.stdout.contains("\n[Calculator"), decision == "y", "{}", ran.stdout);
    }
}

#[test]
fn tools_are_listed_and_called() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let ran = lagent(folder.path(), &["tools", "list"]);
    assert!(ran.stdout.contains("Calculator           ready"), "{}", ran.stdout);
    assert!(ran.stdout.contains("PythonInterpreter"), "{}", ran.stdout);
    let json = lagent(folder.path(), &["tools", "list", "--json"]);
    let first: serde_json::Value =
        serde_json::from_str(json.stdout.lines().next().expect("two lines")).expect("JSON");
    assert_eq!((&first["name"], &first["parameters"]["type"]), (&"Calculator".into(), &"object".into()));
    let call = |arguments: &str| lagent(folder.path(), &["tools", "call", "Calculator", arguments]);
    let good = call("{\"expression\": \"12 * 34\"}");
    assert_eq!((good.code, good.stdout.as_str()), (Some(0), "408\n"));
    let failed = call("{\"expression\": \"1 / 0\"}");
    assert_eq!((failed.code, failed.stdout.as_str()), (Some(1), ""));
    assert_eq!(failed.stderr, "error: Calculator: error: position 3: division by zero\n");
    let described = lagent(folder.path(), &["tools", "describe", "Calculator"]);
    assert!(described.stdout.contains("\n  expression (string, required)"), "{}", described.stdout);
    assert!(described.stdout.contains("  needs: nothing\n  state: ready\n"), "{}", described.stdout);
}

#[test]
fn a_tool_uses_the_services_of_an_agent_file() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let config = "[services.VQA]\nendpoint = \"http://127.0.0.1:9/v1\"\n";
    std::fs::write(folder.path().join("a.toml"), config).expect("writes");
    let state = |arguments: &[&str]| {
        let ran = lagent(folder.path(), &[&["tools", "describe", "VQA"][..], arguments].concat());
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        ran.stdout.lines().find(|line| line.starts_with("  state: ")).expect("a state").to_owned()
    };
    assert_eq!(state(&[]), "  state: unavailable: needs an endpoint services.VQA");
    assert_eq!(state(&["--agent", "a.toml"]), "  state: ready");
}

#[test]
fn templates_are_printed_byte_for_byte() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let list = lagent(folder.path(), &["template", "list"]).stdout;
    assert_eq!(list.lines().collect::<Vec<_>>(), lagent::templates::NAMES);
    for name in lagent::templates::NAMES {
        let template = lagent::templates::named(name).expect("one of the names");
        assert_eq!(lagent(folder.path(), &["template", "show", name]).stdout, template.text(), "{name}");
        let verbatim = lagent(folder.path(), &["template", "show", name, "--verbatim"]);
        assert_eq!(verbatim.stdout, template.verbatim().unwrap_or_default(), "{name}");
    }
}

#[test]
fn a_conversation_is_remembered_in_a_database() {
    let server = calculator();
    let folder = tempfile::tempdir().expect("temporary folder");
    let config = "tools = [\"Calculator\"]\n[memory]\npath = \"memory.db\"\nrecent = 4\n";
    std::fs::write(folder.path().join("a.toml"), config).expect("writes");
    let set = format!("model.base-url={}", server.url());
    let told = |session: &str, question: &str| {
        let chat = program(folder.path()).with_input(format!("What is {question}?\n"));
        let ran = chat.run(["chat", "a.toml", "--set", &set, "--session", session]);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        let requests = server.requests();
        let last = requests.iter().rev().find(|request| request.path == CHAT).expect("was asked");
        last.body["messages"].as_array().map(Vec::len)
    };
    // Question, call and result; then the four messages of the first question as well, and never more than four.
    assert_eq!(told("one", "1 + 1"), Some(3));
    assert_eq!(told("one", "1 + 2"), Some(7));
    assert_eq!(told("one", "1 + 3"), Some(7));
    assert_eq!(told("two", "1 + 4"), Some(3));
}

/// Sends a signal to a process.
fn signal(name: &str, process: u32) {
    let sent = std::process::Command::new("kill").args([&format!("-{name}"), &process.to_string()]).status();
    assert!(sent.expect("kill is there").success());
}

#[test]
fn an_interrupt_ends_the_question_and_keeps_the_conversation() {
    let asked = AtomicUsize::new(0);
    let server = TestServer::start(move |request| {
        if request.path != CHAT {
            return Response::models(512);
        }
        if asked.fetch_add(1, Ordering::SeqCst) == 0 {
            std::thread::sleep(Duration::from_secs(30));
        }
        let delta = json!({"choices": [{"index": 0, "delta": {"content": "It is 2."}}]});
        Response::Events(vec![delta])
    });
    let folder = tempfile::tempdir().expect("temporary folder");
    let set = format!("model.base-url={}", server.url());
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_lagent"))
        .args(["chat", "--set", &set])
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts");
    let mut input = child.stdin.take().expect("is a pipe");
    let mut output = BufReader::new(child.stdout.take().expect("is a pipe"));
    input.write_all(b"What is 1 + 1?\n").expect("writes");
    while server.count(CHAT) == 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    signal("INT", child.id());
    let mut lines = String::new();
    output.read_line(&mut lines).and_then(|_| output.read_line(&mut lines)).expect("reads");
    assert_eq!(lines, "\n[interrupted; the conversation continues]\n");
    input.write_all(b"And now?\n/exit\n").expect("writes");
    let mut rest = String::new();
    output.read_to_string(&mut rest).expect("reads");
    assert_eq!(rest, "It is 2.\n");
    assert!(child.wait().expect("ends").success());
    let last = server.requests().into_iter().rev().find(|request| request.path == CHAT).expect("was asked");
    assert_eq!(last.body["messages"].as_array().map(Vec::len), Some(2), "the first question is kept");
}

#[test]
fn commands_to_the_terminal_stay_text() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let command = format!(
        "{} tools call Calculator '{{\"expression\": \"\\u001b[2J\"}}'",
        env!("CARGO_BIN_EXE_lagent")
    );
    let ran = std::process::Command::new("sh")
        .args(["-c", "script -qec \"$1\" /dev/null", "sh", &command])
        .current_dir(folder.path())
        .output();
    let Ok(ran) = ran else { return println!("skipped: there is no sh") };
    let shown = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
    if shown.contains("script: not found") {
        return println!("skipped: there is no script(1)");
    }
    assert!(shown.contains("error: Calculator") && !shown.contains('\u{1b}'), "{shown:?}");
}

#[test]
fn the_sandbox_can_be_tried() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let check = lagent(folder.path(), &["sandbox", "check"]);
    assert_eq!(check.code, Some(0), "{}", check.stderr);
    assert!(
        check.stdout.contains("network") && check.stdout.contains("process      works"),
        "{}",
        check.stdout
    );
    let sorted = program(folder.path()).with_input("b\na\n").run(["sandbox", "exec", "--", "sort"]);
    assert_eq!((sorted.code, sorted.stdout.as_str()), (Some(0), "a\nb\n"), "{}", sorted.stderr);
}

#[test]
fn a_reader_that_leaves_ends_a_verb_quietly() {
    let server = calculator();
    let folder = questions();
    let set = format!("model.base-url={}", server.url());
    let this = env!("CARGO_BIN_EXE_lagent");
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("writes");
    write(
        "api.json",
        "{\"openapi\": \"3.0.0\", \"info\": {\"title\": \"t\", \"version\": \"1\"}, \"servers\": [{\"url\": \"http://127.0.0.1:9\"}], \"paths\": {\"/p\": {\"get\": {\"responses\": {}}}}}",
    );
    std::fs::create_dir(folder.path().join("pages")).expect("a new folder");
    write("pages/a.md", "# Words\n\nSome words.\n");
    write("r.json", RECORDING);
    let program = program(folder.path()).with_input("What is 12 x 34?\n");
    let call = [
        "mcp",
        "call",
        "Calculator",
        "{\"expression\": \"1\"}",
        "--",
        this,
        "mcp",
        "serve",
        "--tool",
        "Calculator",
    ];
    program.check_closed_output_of_every_verb(&[
        &["run", "a.toml", "--set", &set],
        &["replay", "out/transcripts.jsonl"],
        &["transcript", "import", "r.json"],
        &["transcript", "diff", "out/transcripts.jsonl", "out/transcripts.jsonl"],
        &["transcript", "export", "out/transcripts.jsonl"],
        &["chat", "a.toml", "--set", &set],
        &["serve", "a.toml", "--set", &set, "--port", "0", "--until-stdin-closes"],
        &["openapi", "import", "api.json"],
        // It speaks to a client, which does not leave before it has greeted.
        &["mcp", "serve", "--help"],
        &["mcp", "list", "--", this, "mcp", "serve", "--tool", "Calculator"],
        &call,
        &["index", "build", "pages", "--out", "index"],
        &["index", "search", "index", "word"],
        &["template", "list"],
        &["template", "show", "react_en"],
        &["tools", "describe", "Calculator"],
        &["tools", "list"],
        &["tools", "call", "Calculator", "{\"expression\": \"1\"}"],
        &["sandbox", "check"],
        &["sandbox", "exec", "--", "sort"],
    ]);
}

#[test]
fn every_verb_explains_itself() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let mut texts = Vec::new();
    let verbs = program(folder.path()).verbs();
    assert!(verbs.len() >= 18, "{verbs:?}");
    for verb in std::iter::once(Vec::new()).chain(verbs) {
        let words: Vec<&str> = verb.iter().map(String::as_str).chain(["--help"]).collect();
        let ran = lagent(folder.path(), &words);
        assert_eq!(ran.code, Some(0), "{words:?}");
        assert!(ran.stdout.contains("Example"), "{words:?}: {}", ran.stdout);
        texts.push(format!("$ lagent {}\n{}", words.join(" "), ran.stdout));
    }
    insta::assert_snapshot!(texts.join("\n"));
}
