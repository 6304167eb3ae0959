//! `lagent serve` with agent files: what a file says holds for a served agent too.

use std::path::Path;
use std::process::{Command, Stdio};

use lagent::client::AgentRequest;
use serde_json::Value;

use crate::serve::stage::{client, run, until};
use crate::server::calculator;

/// The address in a file that the server writes once it takes requests.
fn address(ready: &Path) -> Option<String> {
    let text = std::fs::read(ready).ok()?;
    let value: Value = serde_json::from_slice(&text).expect("is JSON");
    value["url"].as_str().map(str::to_owned)
}

#[test]
fn a_served_agent_has_the_hooks_and_the_memory_of_its_file() {
    let model = calculator();
    let folder = tempfile::tempdir().expect("temporary folder");
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("writes");
    write("secrets", "408\n");
    let hooks = "[[hooks]]\nkind = \"redaction\"\npath = \"secrets\"\n";
    write("a.toml", &format!("tools = [\"Calculator\"]\n[memory]\npath = \"sessions.db\"\n{hooks}"));
    let set = format!("model.base-url={}", model.url());
    let mut server = Command::new(env!("CARGO_BIN_EXE_lagent"))
        .args(["serve", "a.toml", "--set", &set, "--port", "0"])
        .args(["--ready-file", "ready", "--until-stdin-closes"])
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts");
    run(async {
        let ready = folder.path().join("ready");
        until("the server is ready", async || ready.exists()).await;
        let client = client(&address(&ready).expect("an address"), None);
        let asked = client.chat(&AgentRequest::new(["What is 12 x 34?"]).with_session(1)).await;
        assert_eq!(asked.expect("an answer").text(), "The answer is ***.");
    });
    drop(server.stdin.take());
    assert!(server.wait().expect("ends").success());
    assert!(folder.path().join("sessions.db").exists());
}
