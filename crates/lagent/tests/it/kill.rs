//! `kill -9` at random moments of `lagent run`: no call of a tool is made twice without consent, and with consent the
//! run ends with the transcript of a run that was not disturbed.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use internlm_kit::testing::{Request, Response, TestRng, TestServer};
use serde_json::{Value, json};

use crate::batch::timeless;
use crate::server::CHAT;
use crate::terminal::lagent;

/// The route of the tool's service.
const TOOL: &str = "/tool/chat/completions";
/// Number of questions in a batch.
const QUESTIONS: usize = 20;
/// Number of kills in a test.
const KILLS: usize = 50;
/// What the model reads of a call that was not made again.
const UNKNOWN: &str = "the outcome of this call is unknown";

/// A model that calls a tool twice for each question, and the service behind the tool.
fn world() -> TestServer {
    TestServer::start(|request: &Request| {
        std::thread::sleep(Duration::from_millis(3));
        match request.path.as_str() {
            CHAT => think(&request.body["messages"]),
            TOOL => Response::chat("traducido", Value::Null),
            _ => Response::models(512),
        }
    })
}

fn think(messages: &Value) -> Response {
    let messages = messages.as_array().expect("messages");
    let question = messages.iter().find(|message| message["role"] == "user").expect("a question");
    let question = question["content"].as_str().expect("a text");
    let results = messages.iter().filter(|message| message["role"] == "tool").count();
    if results == 2 {
        return Response::chat("The answer is 7.", Value::Null);
    }
    let arguments = json!({"text": format!("<{question}/{results}>"), "target": "es"}).to_string();
    let function = json!({"name": "Translation", "arguments": arguments});
    Response::chat("", json!([{"id": format!("c{results}"), "type": "function", "function": function}]))
}

/// How often the service was asked for each text.
fn calls(server: &TestServer) -> BTreeMap<String, usize> {
    let mut calls = BTreeMap::new();
    for request in server.requests().iter().filter(|request| request.path == TOOL) {
        let asked = request.body["messages"][0]["content"].as_str().expect("a text");
        let text = asked.rsplit('<').next().and_then(|text| text.split('>').next()).expect("the text");
        *calls.entry(text.to_owned()).or_default() += 1;
    }
    calls
}

/// A folder with questions and an agent whose tool asks the server.
fn batch(server: &TestServer) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("temporary folder");
    let questions = (0..QUESTIONS)
        .map(|index| format!("{{\"id\":\"q{index}\",\"question\":\"q{index}\",\"answer\":7}}\n"));
    std::fs::write(folder.path().join("q.jsonl"), questions.collect::<String>()).expect("writes");
    let url = server.url();
    let config = format!(
        "tools = [\"Translation\"]\n[model]\nbase-url = \"{url}\"\n\
         [services.Translation]\nendpoint = \"{url}/tool\"\n[services.Translation.extra]\nmodel = \"m\"\n\
         [questions]\npath = \"q.jsonl\"\nout = \"out\"\n"
    );
    std::fs::write(folder.path().join("a.toml"), config).expect("writes");
    folder
}

/// Whether the results are written and nothing is left to resume.
fn is_done(folder: &Path) -> bool {
    folder.join("out/summary.json").exists() && !folder.join("out/journal.jsonl").exists()
}

/// Starts the run and kills it after a while. Returns whether it had to be killed.
fn run_and_kill(folder: &Path, options: &[&str], after: Duration) -> bool {
    let mut child = Command::new(env!("CARGO_BIN_EXE_lagent"))
        .args(["run", "a.toml"])
        .args(options)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts");
    std::thread::sleep(after);
    let was_running = child.try_wait().expect("can be asked").is_none();
    child.kill().expect("can be killed");
    child.wait().expect("ends");
    was_running
}

/// Kills runs until there were enough kills; calls `check` with the folder of every batch that has come to its end.
fn kill_until_done(options: &[&str], seed: u64, check: impl Fn(&Path, &TestServer)) {
    let mut rng = TestRng::new(seed);
    let mut kills = 0;
    while kills < KILLS {
        let server = world();
        let folder = batch(&server);
        while kills < KILLS && !is_done(folder.path()) {
            let after = Duration::from_millis(5 + rng.below(150) as u64);
            kills += usize::from(run_and_kill(folder.path(), options, after));
        }
        if !is_done(folder.path()) {
            let ran = lagent(folder.path(), &[&["run", "a.toml"][..], options].concat());
            assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        }
        check(folder.path(), &server);
        let replayed = lagent(folder.path(), &["replay", "out/transcripts.jsonl"]);
        assert_eq!(replayed.code, Some(0), "{}", replayed.stderr);
    }
}

fn transcripts(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("out/transcripts.jsonl")).expect("is written")
}

/// The runs of a transcript.
fn runs(transcripts: &str) -> Vec<String> {
    transcripts.split("{\"run\":").skip(1).map(str::to_owned).collect()
}

/// The transcript of a run that nobody disturbs.
fn undisturbed() -> String {
    let server = world();
    let folder = batch(&server);
    let ran = lagent(folder.path(), &["run", "a.toml"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let calls = calls(&server);
    assert_eq!((calls.len(), calls.values().max()), (2 * QUESTIONS, Some(&1)));
    timeless(&transcripts(folder.path()))
}

#[test]
fn without_consent_no_call_is_made_twice() {
    let expected = runs(&undisturbed());
    kill_until_done(&[], 1, |folder, server| {
        for (text, count) in calls(server) {
            assert_eq!(count, 1, "{text}");
        }
        let found = runs(&timeless(&transcripts(folder)));
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(&expected) {
            assert!(found == expected || found.contains(UNKNOWN), "{found}\n{expected}");
        }
    });
}

#[test]
fn with_consent_the_transcript_is_that_of_a_run_without_kills() {
    let expected = undisturbed();
    kill_until_done(&["--repeat-calls"], 2, |folder, server| {
        assert_eq!(calls(server).len(), 2 * QUESTIONS);
        assert_eq!(timeless(&transcripts(folder)), expected);
    });
}
