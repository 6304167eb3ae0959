//! The `lagent` binary as a user runs it.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::server::{Manner, Server};

/// Exit code, stdout and stderr of the binary.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs the binary in `folder`.
pub(crate) fn lagent(folder: &Path, arguments: &[&str], input: &str) -> Ran {
    let mut child = Command::new(env!("CARGO_BIN_EXE_lagent"))
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    // A binary that fails early does not read its input.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().expect("the binary ends");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    Ran { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

#[test]
fn chat_streams_and_shows_calls() {
    let server = Server::start(Manner::Good);
    let folder = tempfile::tempdir().expect("temporary folder");
    std::fs::write(folder.path().join("a.toml"), "tools = [\"Calculator\"]\n").expect("writes");
    let set = format!("model.base-url={}", server.url);
    let ran = lagent(folder.path(), &["chat", "a.toml", "--set", &set], "What is 12 x 34?\nWhat is 1/0?\n");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(
        ran.stdout,
        "\n[Calculator {\"expression\":\"12 x 34\"}]\n[-> 408]\nThe answer is 408.\n\
         \n[Calculator {\"expression\":\"1/0\"}]\n[-> error: position 2: division by zero]\n\
         The answer is error: position 2: division by zero.\n"
    );
}

#[test]
fn tools_are_listed_and_called() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let ran = lagent(folder.path(), &["tools", "list"], "");
    assert!(ran.stdout.contains("Calculator           ready"), "{}", ran.stdout);
    assert!(ran.stdout.contains("PythonInterpreter"), "{}", ran.stdout);
    let call = |arguments: &str| lagent(folder.path(), &["tools", "call", "Calculator", arguments], "");
    let good = call("{\"expression\": \"12 * 34\"}");
    assert_eq!((good.code, good.stdout.as_str()), (Some(0), "408\n"));
    let failed = call("{\"expression\": \"1 / 0\"}");
    assert_eq!((failed.code, failed.stdout.as_str()), (Some(1), ""));
    assert_eq!(failed.stderr, "error: Calculator: error: position 3: division by zero\n");
}

#[test]
fn the_sandbox_can_be_tried() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let check = lagent(folder.path(), &["sandbox", "check"], "");
    assert_eq!(check.code, Some(0), "{}", check.stderr);
    assert!(
        check.stdout.contains("network") && check.stdout.contains("process      works"),
        "{}",
        check.stdout
    );
    let sorted = lagent(folder.path(), &["sandbox", "exec", "--", "sort"], "b\na\n");
    assert_eq!((sorted.code, sorted.stdout.as_str()), (Some(0), "a\nb\n"), "{}", sorted.stderr);
    let slow = lagent(folder.path(), &["sandbox", "exec", "--wall-seconds", "0.2", "--", "sleep", "60"], "");
    assert_eq!(slow.code, Some(1));
    assert!(slow.stderr.contains("time limit exceeded"), "{}", slow.stderr);
}
