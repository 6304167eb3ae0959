//! The binary: exit codes, messages, and a served tiny model from start to SIGTERM.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use lmdeploy::client::{Client, ClientConfig};
use lmdeploy::protocol::{ChatMessage, ChatRequest};
use lmdeploy::testing::{MockFault, MockModel, MockServer};

use crate::fixture::{run, tiny_model};

pub(crate) fn lmdeploy(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lmdeploy"));
    command.args(arguments).env_remove("INTERNLM_LOG");
    command
}

fn output(arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = lmdeploy(arguments).stdin(Stdio::null()).output().expect("runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn bad_input_is_exit_code_2_and_one_clear_message() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).expect("writes");
        path.display().to_string()
    };
    let unknown_key = path("a.toml", "[model]\npath = \"m\"\n[engine]\nbatch = 3\n");
    let many = path("b.toml", "[model]\npath = \"m\"\n[engine]\nmax-batch-size = 0\n[bench]\nrequests = 0\n");
    let absent = dir.path().join("absent").display().to_string();
    let not_a_model = path("c.gguf", "GGUX");
    let table: &[(&[&str], &[&str])] = &[
        (&["serve", "api_server", "--server-port", "0", &absent], &["absent"]),
        (&["serve", "api_server", "--server-port", "0", &not_a_model], &["c.gguf"]),
        (&["serve", "api_server"], &["--config"]),
        (&["serve", "api_server", "m", "--sever-port", "1"], &["--sever-port", "--server-port"]),
        (&["serve", "api_server", "m", "--device", "tpu"], &["tpu"]),
        (
            &["serve", "api_server", "m", "--backend", "turbomind", "--device", "cuda:0"],
            &["turbomind", "cuda:0", "burn"],
        ),
        (&["serve", "api_server", "m", "--backend", "tensorrt"], &["tensorrt", "turbomind"]),
        (&["serve", "api_server", "m", "--quant-policy", "5"], &["found 5", "0, 8 or 4"]),
        (
            &["serve", "api_server", "m", "--backend", "pytorch", "--quant-policy", "8"],
            &["quant-policy", "burn"],
        ),
        (&["serve", "api_server", "m", "--backend", "burn", "--threads", "2"], &["engine.threads", "burn"]),
        (&["serve", "api_server", "m", "--threads", "0"], &["engine.threads", "found 0"]),
        (
            &["serve", "api_server", "m", "--cache-block-seq-len", "24"],
            &["cache-block-seq-len", "found 24", "multiple of 16"],
        ),
        (&["chat", "m", "--backend", "turbomind", "--device", "cuda:0"], &["turbomind", "cuda:0"]),
        (&["serve", "api_server", "m", "--cache-max-entry-count", "lots"], &["lots", "512MiB"]),
        (&["serve", "api_server", "m", "--server-name", "256.1.1.1"], &["256.1.1.1"]),
        (&["serve", "api_server", "--config", &absent], &["absent", "cannot read"]),
        (&["serve", "api_server", "--config", &unknown_key], &["a.toml", "line 4", "batch"]),
        (
            &["serve", "api_server", "--config", &many],
            &["engine.max-batch-size", "bench.requests", "2 problem(s)"],
        ),
        (&["serve", "api_server", "--config", &many, "--set", "engine"], &["--set engine", "key.path=value"]),
        (&["bench", "serving", "--url", "localhost"], &["base-url", "`localhost`"]),
        (&["bench", "serving", "--url", "http://localhost:1", "--input", "9..2"], &["input-words"]),
        (&["bench", "serving", "--url", "http://localhost:1", "--input", "x"], &["`x`", "A..B"]),
        (&["chat"], &["--api-url"]),
        (&["chat", &absent], &["absent"]),
    ];
    for (arguments, words) in table {
        let (code, stdout, stderr) = output(arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {stderr}");
        assert!(stdout.is_empty() && !stderr.contains("panicked"), "{stderr}");
        for word in *words {
            assert!(stderr.contains(word), "{arguments:?}: found `{stderr}`, expected `{word}`");
        }
    }
}

#[test]
fn an_unreachable_server_is_exit_code_1() {
    let (code, _, stderr) = output(&["bench", "serving", "--url", "http://127.0.0.1:9"]);
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("http://127.0.0.1:9/v1/models"), "{stderr}");
}

#[test]
fn the_help_of_every_verb() {
    let verbs: [&[&str]; 6] =
        [&[], &["serve"], &["serve", "api_server"], &["chat"], &["bench"], &["bench", "serving"]];
    for verb in verbs {
        let (code, stdout, _) = output(&[verb, &["--help"]].concat());
        assert_eq!(code, Some(0));
        assert!(stdout.contains("Examples:"), "{stdout}");
        insta::assert_snapshot!(["help", &verb.join("_")].join("_"), stdout);
    }
}

#[test]
fn old_names_of_options_still_work() {
    // The address is refused after the options have been read.
    let (code, _, stderr) = output(&["bench", "serving", "--url", "localhost", "--output", "3"]);
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("base-url"), "{stderr}");
}

#[test]
fn a_measured_mock_gives_a_report_and_a_summary() {
    let server = MockServer::start("the quick brown fox jumps over the lazy dog ".repeat(20).as_str());
    let arguments =
        ["bench", "serving", "--url", server.url(), "--requests", "5", "--max-tokens", "7", "--input", "3"];
    let (code, stdout, stderr) = output(&arguments);
    assert_eq!(code, Some(0), "{stderr}");
    let report: serde_json::Value = serde_json::from_str(&stdout).expect("JSON");
    assert_eq!((report["ok"].as_u64(), report["output_tokens"].as_u64()), (Some(5), Some(35)));
    assert!(report["tok_s"].as_f64().is_some_and(|speed| speed > 0.0));
    assert!(report["ttft_ms"]["p50"].as_f64() <= report["e2e_ms"]["p99"].as_f64());
    let words = |text: &String| text.split_whitespace().count();
    assert!(server.prompt_texts().iter().all(|text| words(text) == 3), "{:?}", server.prompt_texts());
    let (_, again, _) = output(&arguments);
    assert!(
        !again.is_empty()
            && server.prompts()[..5].iter().all(|prompt| server.prompts()[5..].contains(prompt))
    );
    let (_, _, _) = output(&[&arguments[..], &["--seed", "9"]].concat());
    assert_ne!(server.prompts()[..5], server.prompts()[10..], "another seed, other prompts");
}

#[test]
fn a_server_that_fails_all_requests_is_exit_code_1() {
    let broken = (0..50).fold(MockModel::from("x"), |model, step| model.with_fault(step, MockFault::Error));
    let server = MockServer::start(broken);
    let (code, stdout, stderr) = output(&["bench", "serving", "--url", server.url(), "--requests", "3"]);
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("all 3 requests failed") && stderr.contains("scripted"), "{stderr}");
    let report: serde_json::Value =
        serde_json::from_str(&stdout).expect("the report is printed all the same");
    assert_eq!(report["failed"].as_u64(), Some(3));
}

/// A server that is killed when a test fails.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Gone already when the test stopped it.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn serve(model: &Path, ready: &Path, more: &[&str]) -> (Running, String) {
    let [model, ready_text] = [model, ready].map(|path| path.display().to_string());
    let arguments = [
        "serve",
        "api_server",
        &model,
        "--model-name",
        "tiny",
        "--server-name",
        "127.0.0.1",
        "--server-port",
        "0",
        "--ready-file",
        &ready_text,
        "--max-batch-size",
        "8",
    ];
    let mut command = lmdeploy(&arguments);
    let child = command.args(more).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut running = Running(child.expect("starts"));
    let started = Instant::now();
    while !ready.exists() {
        assert!(started.elapsed() < Duration::from_secs(60), "it listens within a minute");
        if let Some(status) = running.0.try_wait().expect("asks") {
            panic!("it ended with {status}");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let text = std::fs::read_to_string(ready).expect("reads");
    let ready: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    (running, ready["url"].as_str().expect("a URL").to_owned())
}

#[test]
fn a_server_ends_with_the_program_that_started_it() {
    let dir = tempfile::tempdir().expect("a folder");
    tiny_model(&dir.path().join("model"));
    let ready = dir.path().join("ready.json");
    let (mut running, _) =
        serve(&dir.path().join("model"), &ready, &["--until-stdin-closes", "--backend", "pytorch"]);
    assert!(running.0.try_wait().expect("asks").is_none(), "it serves while the pipe is open");
    // What the system does for a program that was killed.
    drop(running.0.stdin.take());
    assert_eq!(running.0.wait().expect("ends").code(), Some(0));
}

#[test]
fn a_model_is_served_measured_and_stopped() {
    let dir = tempfile::tempdir().expect("a folder");
    tiny_model(&dir.path().join("model"));
    let (mut running, url) = serve(&dir.path().join("model"), &dir.path().join("ready.json"), &[]);
    let ask = |text: &str| {
        ChatRequest::new([ChatMessage::user(text)]).with_max_tokens(24).with_temperature(1.0).with_seed(5)
    };
    run(async {
        let client = Client::new(ClientConfig::new(&url)).expect("a client");
        let mut alone = Vec::new();
        for index in 0..8 {
            alone.push(client.chat(&ask(&format!("question {index}"))).await.expect("an answer"));
        }
        let together = (0..8).map(|index| {
            let client = client.clone();
            let request = ask(&format!("question {index}"));
            async move { client.chat(&request).await.expect("an answer") }
        });
        for (alone, together) in alone.iter().zip(futures_util::future::join_all(together).await) {
            assert_eq!(alone.choices[0].message, together.choices[0].message);
        }
    });
    let port = url.rsplit(':').next().expect("a port");
    let model = dir.path().join("model").display().to_string();
    let (code, _, stderr) =
        output(&["serve", "api_server", &model, "--server-name", "127.0.0.1", "--server-port", port]);
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("the port is in use"), "{stderr}");
    let summary = dir.path().join("summary.json").display().to_string();
    let (code, _, stderr) =
        output(&["bench", "serving", "--url", &url, "--requests", "6", "--output", "8", "--out", &summary]);
    assert_eq!(code, Some(0), "{stderr}");
    let summary: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(summary).expect("reads")).expect("JSON");
    assert_eq!((summary["failed"].as_u64(), summary["output_tokens"].as_u64()), (Some(0), Some(48)));
    let (code, stdout, stderr) =
        output(&["bench", "serving", &model, "--requests", "2", "--max-tokens", "4"]);
    assert_eq!(code, Some(0), "{stderr}");
    let report: serde_json::Value = serde_json::from_str(&stdout).expect("JSON");
    assert_eq!((report["ok"].as_u64(), report["output_tokens"].as_u64()), (Some(2), Some(8)));
    let (code, stdout, stderr) = {
        let mut chat = lmdeploy(&["chat", "--api-url", &url, "--json", "--max-tokens", "4"]);
        let mut chat =
            chat.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
        std::io::Write::write_all(&mut chat.stdin.take().expect("piped"), b"hi\n\nend\n\nagain\n")
            .expect("writes");
        let output = chat.wait_with_output().expect("ends");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    assert_eq!((code, stdout.lines().count()), (Some(0), 2), "{stdout}{stderr}");
    let id = running.0.id().to_string();
    assert!(Command::new("kill").arg(id).status().expect("runs").success());
    assert_eq!(running.0.wait().expect("ends").code(), Some(0));
}
