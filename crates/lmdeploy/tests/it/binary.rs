//! The binary: exit codes, messages, and a served tiny model from start to SIGTERM.

use std::io::Read;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use internlm_kit::testing::{BadInputCase, Program};
use lmdeploy::client::{Client, ClientConfig};
use lmdeploy::protocol::{ChatMessage, ChatRequest};
use lmdeploy::testing::{MockFault, MockModel, MockServer};

use crate::fixture::{run, tiny_model};

/// The binary as a user runs it.
pub(crate) fn lmdeploy() -> Program {
    Program::new(env!("CARGO_BIN_EXE_lmdeploy"), ".")
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
        (
            &["serve", "api_server", "m", "--allow-origins", "*.example", "--allow-credentials"],
            &["allow-origins", "`*.example`", "https://chat.example"],
        ),
        (&["bench", "generation", "m", "--decode", "64"], &["BATCHxCONTEXT", "found `64`"]),
        (&["bench", "generation", "m"], &["--decode"]),
        (&["bench", "generation", &absent, "--prefill", "8"], &["absent"]),
        (&["serve", "api_server", "m", "--tp", "2"], &["--tp", "found `2`, expected 1", "not supported"]),
        (&["serve", "api_server", "m", "--adapters", "a=b"], &["--adapters", "found `a=b`"]),
        (&["serve", "api_server", "m", "--ssl"], &["--ssl", "SSL_CERTFILE", "SSL_KEYFILE"]),
        (&["serve", "api_server", "m", "--request-timeout", "0"], &["server.request-timeout", "found 0"]),
        (
            &["serve", "api_server", "m", "--max-concurrent-requests", "0"],
            &["server.max-concurrent-requests", "at least 1"],
        ),
        (&["serve", "api_server", "m", "--api-keys", ""], &["server.api-keys", "empty key"]),
        (&["serve", "api_server", "m", "--model-name", "a,,b"], &["model.aliases", "expected names"]),
        (&["serve", "api_server", "m", "--log-level", "loud"], &["loud", "warning"]),
        (
            &["serve", "api_server", "m", "--chat-template", "mistral-v4"],
            &["chat-template", "found mistral-v4", "mistral-v1, mistral-v3, mistral-v7"],
        ),
        (&["chat", "m", "--chat-template", "nope.jinja"], &["nope.jinja", "cannot read"]),
        (
            &["serve", "api_server", "m", "--enable-prefix-caching", "--disable-prefix-caching"],
            &["--disable-prefix-caching", "cannot be used"],
        ),
        (&["serve", "api_server", "m", "--public-metric"], &["--public-metric", "--public-metrics"]),
        (&["serve", "api_server", "--config", &absent], &["absent", "cannot read"]),
        (&["serve", "api_server", "--config", &unknown_key], &["a.toml", "line 4", "batch"]),
        (
            &["serve", "api_server", "--config", &many],
            &["engine.max-batch-size", "bench.requests", "2 problems"],
        ),
        (&["serve", "api_server", "--config", &many, "--set", "engine"], &["--set engine", "key.path=value"]),
        (&["bench", "serving", "--url", "localhost"], &["base-url", "`localhost`"]),
        (&["bench", "serving", "--url", "http://localhost:1", "--input", "9..2"], &["input-words"]),
        (&["bench", "serving", "--url", "http://localhost:1", "--input", "x"], &["`x`", "A..B"]),
        (
            &["bench", "serving", "--url", "http://localhost:1", "--threads", "2"],
            &["--url", "--threads", "cannot be used"],
        ),
        (&["bench", "serving", "m", "--api-key", "k"], &["--api-key", "[MODEL]", "cannot be used"]),
        (&["chat"], &["--api-url"]),
        (&["chat", &absent], &["absent"]),
    ];
    let cases = table.iter().map(|&(arguments, parts)| BadInputCase { arguments, code: 2, parts });
    lmdeploy().check_bad_input(&cases.collect::<Vec<_>>());
}

#[test]
fn a_server_that_is_not_there_is_exit_code_2() {
    let verbs: [&[&str]; 2] = [
        &["bench", "serving", "--url", "http://127.0.0.1:9"],
        &["chat", "--api-url", "http://127.0.0.1:9", "--max-tokens", "1"],
    ];
    for verb in verbs {
        let ran = lmdeploy().with_input("hi\n").run(verb);
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(ran.stderr.contains("http://127.0.0.1:9/v1/"), "{ran:?}");
    }
}

#[test]
fn a_server_that_breaks_off_is_exit_code_1() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let server = std::thread::spawn(move || {
        let (mut connection, _) = listener.accept().expect("a connection");
        // It reads the request and closes the connection without an answer.
        assert!(connection.read(&mut [0; 4096]).expect("reads") > 0);
    });
    let ran = lmdeploy().run(["bench", "serving", "--url", &url]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stderr.contains(&url), "{ran:?}");
    server.join().expect("the server ends");
}

#[test]
fn the_help_of_every_verb() {
    let verbs: [&[&str]; 7] = [
        &[],
        &["serve"],
        &["serve", "api_server"],
        &["chat"],
        &["bench"],
        &["bench", "serving"],
        &["bench", "generation"],
    ];
    for verb in verbs {
        let ran = lmdeploy().run([verb, &["--help"]].concat());
        assert_eq!(ran.code, Some(0));
        assert!(ran.stdout.contains("Examples:"), "{ran:?}");
        insta::assert_snapshot!([&["help"], verb].concat().join("_"), ran.stdout);
    }
}

#[test]
fn old_names_of_options_still_work() {
    // The address is refused after the options have been read.
    let ran = lmdeploy().run(["bench", "serving", "--url", "localhost", "--output", "3"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("base-url"), "{ran:?}");
}

#[test]
fn a_measured_mock_gives_a_report_and_a_summary() {
    let server = MockServer::start("the quick brown fox jumps over the lazy dog ".repeat(20).as_str());
    let arguments =
        ["bench", "serving", "--url", server.url(), "--requests", "5", "--max-tokens", "7", "--input", "3"];
    let ran = lmdeploy().run(arguments);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!((report["ok"].as_u64(), report["output_tokens"].as_u64()), (Some(5), Some(35)));
    assert!(report["tok_s"].as_f64().is_some_and(|speed| speed > 0.0));
    assert!(report["ttft_ms"]["p50"].as_f64() <= report["e2e_ms"]["p99"].as_f64());
    let words = |text: &String| text.split_whitespace().count();
    assert!(server.prompt_texts().iter().all(|text| words(text) == 3), "{:?}", server.prompt_texts());
    let prompts = |from: usize| {
        let mut prompts = server.prompts()[from..].to_vec();
        prompts.sort();
        prompts
    };
    let first = prompts(0);
    lmdeploy().run(arguments);
    assert_eq!(prompts(5), first, "the same seed gives the same prompts");
    lmdeploy().run([&arguments[..], &["--seed", "9"]].concat());
    assert_ne!(prompts(10), first, "another seed gives other prompts");
}

/// Sizes are measured without weights: the executor alone, and behind HTTP.
#[test]
fn random_weights_are_measured() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = folder.path().join("model");
    tiny_model(&model);
    std::fs::remove_file(model.join("model.safetensors")).expect("is there");
    let model = model.display().to_string();
    let arguments = ["bench", "generation", &model, "--random-weights", "--decode", "2x70", "--prefill", "9"];
    let ran = lmdeploy().run([&arguments[..], &["--steps", "2", "--warmup", "1", "--json"]].concat());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let lines: Vec<serde_json::Value> =
        ran.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let phases: Vec<_> = lines.iter().filter_map(|line| line["phase"].as_str()).collect();
    assert_eq!(phases, ["load", "decode", "prefill"]);
    assert_eq!(lines[1]["seconds"].as_array().map(Vec::len), Some(2));
    assert!(lines[1..].iter().all(|line| line["tokens_per_second"].as_f64().is_some_and(|rate| rate > 0.0)));

    let arguments = ["bench", "serving", &model, "--random-weights", "--requests", "2", "--max-tokens", "3"];
    let ran = lmdeploy().run([&arguments[..], &["--backend", "burn"]].concat());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!((report["ok"].as_u64(), report["output_tokens"].as_u64()), (Some(2), Some(6)));
    let ran = lmdeploy().run(arguments);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("model.backend: found turbomind, expected burn"), "{ran:?}");
}

#[test]
fn a_reader_that_leaves_ends_every_verb_quietly() {
    let server = MockServer::start("a short answer");
    let folder = tempfile::tempdir().expect("a folder");
    tiny_model(&folder.path().join("model"));
    let url = server.url();
    let program = Program::new(env!("CARGO_BIN_EXE_lmdeploy"), folder.path()).with_input("Hello\n\n");
    program.check_closed_output_of_every_verb(&[
        &["serve", "api_server", "model", "--server-port", "0", "--until-stdin-closes"],
        &["bench", "serving", "--url", url, "--requests", "2", "--max-tokens", "3"],
        &["bench", "generation", "model", "--decode", "1x4", "--steps", "1"],
        &["chat", "--api-url", url],
        &["chat", "model", "--max-tokens", "4", "--json"],
    ]);
}

#[test]
fn a_server_that_fails_all_requests_is_exit_code_1() {
    let broken = (0..50).fold(MockModel::from("x"), |model, step| model.with_fault(step, MockFault::Error));
    let server = MockServer::start(broken);
    let ran = lmdeploy().run(["bench", "serving", "--url", server.url(), "--requests", "3"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stderr.contains("all 3 requests failed") && ran.stderr.contains("scripted"), "{ran:?}");
    let report: serde_json::Value =
        serde_json::from_str(&ran.stdout).expect("the report is printed all the same");
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
    let mut command = Command::new(env!("CARGO_BIN_EXE_lmdeploy"));
    let child = command.args(arguments).args(more).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn();
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
fn flags_of_upstream_are_taken() {
    let dir = tempfile::tempdir().expect("a folder");
    tiny_model(&dir.path().join("model"));
    let more = [
        "--api-keys",
        "secret",
        "--disable-fastapi-docs",
        "--disable-prefix-caching",
        "--enable-abort-handling",
        "--eager-mode",
        "--tp",
        "1",
        "--model-format",
        "hf",
        "--log-level",
        "WARNING",
        "--max-log-len",
        "10",
    ];
    let (_running, url) = serve(&dir.path().join("model"), &dir.path().join("ready.json"), &more);
    run(async {
        let config = ClientConfig::new(&url).with_retries(0);
        let stranger = Client::new(config.clone()).expect("a client");
        let error = stranger.models().await.expect_err("no key");
        assert!(matches!(error, lmdeploy::Error::Status { status: 401, .. }), "{error}");
        let client = Client::new(config.with_api_key("secret")).expect("a client");
        let request = ChatRequest::new([ChatMessage::user("hi")]).with_max_tokens(2);
        client.chat(&request).await.expect("an answer");
        let http = reqwest::Client::builder().tls_certs_only(std::iter::empty()).build().expect("a client");
        let answer = http.get(format!("{url}/docs")).header("x-api-key", "secret").send().await;
        assert_eq!(answer.expect("an answer").status().as_u16(), 404);
    });
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
    let ran =
        lmdeploy().run(["serve", "api_server", &model, "--server-name", "127.0.0.1", "--server-port", port]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("the port is in use"), "{ran:?}");
    let path = dir.path().join("summary.json");
    let out = path.display().to_string();
    let ran = lmdeploy().run([
        "bench",
        "serving",
        "--url",
        &url,
        "--requests",
        "6",
        "--max-tokens",
        "8",
        "--out",
        &out,
    ]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), ""), "{ran:?}");
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
    let summary = json(&std::fs::read_to_string(path).expect("reads"));
    assert_eq!((summary["failed"].as_u64(), summary["output_tokens"].as_u64()), (Some(0), Some(48)));
    // The same measurement with a server in the process of the client.
    let ran = lmdeploy().run(["bench", "serving", &model, "--requests", "2", "--max-tokens", "4"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let report = json(&ran.stdout);
    assert_eq!((report["ok"].as_u64(), report["output_tokens"].as_u64()), (Some(2), Some(8)));
    // The same answer from a server and from an engine in the process, one line of JSON each.
    let greedy = ["--json", "--max-tokens", "4", "--temperature", "0"];
    let chat = |model: &[&str]| {
        let ran = lmdeploy().with_input("hi\n\nend\n\nagain\n").run([&["chat"], model, &greedy[..]].concat());
        assert_eq!((ran.code, ran.stdout.lines().count()), (Some(0), 2), "{ran:?}");
        ran.stdout
    };
    assert_eq!(chat(&[&model]), chat(&["--api-url", &url]));
    let id = running.0.id().to_string();
    assert!(Command::new("kill").arg(id).status().expect("runs").success());
    assert_eq!(running.0.wait().expect("ends").code(), Some(0));
}
