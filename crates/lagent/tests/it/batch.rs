//! `lagent run`: whole runs, interruptions, replays.

use std::path::Path;

use internlm_kit::testing::TestServer;
use serde_json::Value;

use crate::server::{CHAT, calculator, dies_after};
use crate::terminal::lagent;

const CONFIG: &str = "tools = [\"Calculator\"]\n[questions]\npath = \"q.jsonl\"\nout = \"out\"\nlimit = 20\n";

/// A folder with a config and 30 questions, one of which has a wrong answer.
pub(crate) fn questions() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("temporary folder");
    let mut lines = String::new();
    for index in 0..30 {
        let answer = if index == 7 { 0 } else { index * 34 };
        let question = format!("What is {index} x 34?");
        lines.push_str(&format!(
            "{{\"id\":\"q{index}\",\"question\":\"{question}\",\"answer\":\"{answer}\",\"expression\":\"x\"}}\n"
        ));
    }
    std::fs::write(folder.path().join("q.jsonl"), lines).expect("writes");
    std::fs::write(folder.path().join("a.toml"), CONFIG).expect("writes");
    folder
}

fn read(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join("out").join(name)).expect("the file is there")
}

/// The transcript without the times in it.
pub(crate) fn timeless(text: &str) -> String {
    let mut lines = Vec::new();
    for line in text.lines() {
        let mut value: Value = serde_json::from_str(line).expect("JSON");
        remove_times(&mut value);
        lines.push(value.to_string());
    }
    lines.join("\n")
}

fn remove_times(value: &mut Value) {
    match value {
        Value::Object(entries) => {
            if entries.get("type").is_some() || entries.get("outcome").is_some() {
                entries.remove("milliseconds");
            }
            entries.values_mut().for_each(remove_times);
            entries.remove("milliseconds");
        }
        Value::Array(items) => items.iter_mut().for_each(remove_times),
        _ => {}
    }
}

#[test]
fn all_questions_are_asked_scored_and_recorded() {
    let server = calculator();
    let folder = questions();
    let set = format!("model.base-url={}", server.url());
    let ran = lagent(folder.path(), &["run", "a.toml", "--set", &set]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let summary: Value = serde_json::from_str(&read(folder.path(), "summary.json")).expect("JSON");
    assert_eq!(serde_json::from_str::<Value>(&ran.stdout).expect("JSON"), summary);
    for (key, expected) in [
        ("agent_accuracy", 95.0),
        ("questions", 20.0),
        ("unanswered", 0.0),
        ("mean_turns", 2.0),
        ("tool_calls", 20.0),
        ("parse_errors", 0.0),
        ("output_tokens", 400.0),
    ] {
        assert_eq!(summary[key].as_f64(), Some(expected), "{key}");
    }
    let predictions = read(folder.path(), "predictions.jsonl");
    let first: Value = serde_json::from_str(predictions.lines().nth(12).expect("20 lines")).expect("JSON");
    assert_eq!(
        (first["id"].as_str(), first["prediction"].as_str()),
        (Some("q12"), Some("The answer is 408."))
    );
    assert!(read(folder.path(), "config.toml").contains(server.url()));
    assert!(!folder.path().join("out/journal.jsonl").exists());
    let replayed = lagent(folder.path(), &["replay", "out/transcripts.jsonl"]);
    assert_eq!(replayed.stdout, "20 runs, 80 events, 120 commands: identical\n", "{}", replayed.stderr);
    // Another concurrency gives the same files.
    let transcripts = read(folder.path(), "transcripts.jsonl");
    let again = ["run", "a.toml", "--set", &set, "--set", "questions.concurrency=1"];
    assert_eq!(lagent(folder.path(), &again).code, Some(0));
    assert_eq!(timeless(&read(folder.path(), "transcripts.jsonl")), timeless(&transcripts));
    assert_eq!(read(folder.path(), "predictions.jsonl"), predictions);
}

#[test]
fn a_team_is_asked_like_an_agent() {
    let server = calculator();
    let folder = questions();
    let team = format!(
        "[team]\nkind = \"sequential\"\n[[member]]\nname = \"solver\"\n[member.agent]\n\
         tools = [\"Calculator\"]\n[member.agent.model]\nbase-url = \"{}\"\n",
        server.url()
    );
    std::fs::write(folder.path().join("t.toml"), team).expect("writes");
    let ran = lagent(folder.path(), &["run", "t.toml", "q.jsonl", "--out", "out"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let summary: Value = serde_json::from_str(&read(folder.path(), "summary.json")).expect("JSON");
    assert_eq!((summary["questions"].as_u64(), summary["tool_calls"].as_u64()), (Some(30), Some(30)));
    assert!(read(folder.path(), "config.toml").contains("[team]"));
    let replayed = lagent(folder.path(), &["replay", "out/transcripts.jsonl"]);
    assert!(replayed.stdout.starts_with("30 runs, "), "{}", replayed.stderr);
}

#[test]
fn a_changed_transcript_is_found() {
    let server = calculator();
    let folder = questions();
    let set = format!("model.base-url={}", server.url());
    assert_eq!(lagent(folder.path(), &["run", "a.toml", "--set", &set]).code, Some(0));
    let text = read(folder.path(), "transcripts.jsonl");
    let changed = text.replacen("The answer is 408.", "The answer is 409.", 1);
    std::fs::write(folder.path().join("out/transcripts.jsonl"), changed).expect("writes");
    let ran = lagent(folder.path(), &["replay", "out/transcripts.jsonl"]);
    assert_eq!(ran.code, Some(1), "{}", ran.stdout);
    assert!(ran.stderr.contains("line") && ran.stderr.contains("byte"), "{}", ran.stderr);
    assert!(ran.stderr.contains("recorded: 8.") && ran.stderr.contains("replayed: 9."), "{}", ran.stderr);
}

#[test]
fn an_interrupted_run_asks_nothing_twice() {
    let folder = questions();
    let dying = dies_after(11);
    let base = |server: &TestServer| format!("model.base-url={}", server.url());
    let (first, serial) = (base(&dying), "questions.concurrency=1");
    let ran = lagent(folder.path(), &["run", "a.toml", "--set", &first, "--set", serial]);
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert!(ran.stderr.contains("question `q5`") && ran.stderr.contains(dying.url()), "{}", ran.stderr);
    assert!(!folder.path().join("out/summary.json").exists());
    let good = calculator();
    let ran = lagent(folder.path(), &["run", "a.toml", "--set", &base(&good)]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    // Five questions of two requests each were finished before, and the first request of the sixth.
    assert_eq!(good.count(CHAT), 29);
    let summary: Value = serde_json::from_str(&read(folder.path(), "summary.json")).expect("JSON");
    assert_eq!((summary["questions"].as_u64(), summary["agent_accuracy"].as_f64()), (Some(20), Some(95.0)));
    let uninterrupted = questions();
    assert_eq!(lagent(uninterrupted.path(), &["run", "a.toml", "--set", &base(&good)]).code, Some(0));
    let transcripts = |folder: &Path| timeless(&read(folder, "transcripts.jsonl"));
    assert_eq!(transcripts(folder.path()), transcripts(uninterrupted.path()));
}
