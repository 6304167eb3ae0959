//! The first agent transcripts, turn by turn, from `transcripts.jsonl`.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use super::html::escape;

/// How many transcripts the report shows.
const SHOWN: usize = 3;

/// One agent run as a reader sees it.
#[derive(Debug, Default)]
struct Transcript {
    id: String,
    turns: Vec<(String, String)>,
}

/// The section, empty when the stage has not run.
pub(super) fn section(path: &Path) -> Result<String> {
    let Ok(text) = std::fs::read_to_string(path) else { return Ok(String::new()) };
    let mut html = format!("<h2>Agent: the first {SHOWN} transcripts</h2>\n");
    for transcript in read(&text, path)? {
        html += &format!("<div class=\"transcript\"><b>question {}</b>", escape(&transcript.id));
        for (role, text) in &transcript.turns {
            let role = escape(role);
            html += &format!("<div class=\"turn {role}\"><b>{role}</b><pre>{}</pre></div>", escape(text));
        }
        html += "</div>\n";
    }
    Ok(html)
}

/// The conversation of a run is the prompt of its last model request and how the run ended.
fn read(text: &str, path: &Path) -> Result<Vec<Transcript>> {
    let mut transcripts: Vec<Transcript> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line: Value = serde_json::from_str(line)
            .with_context(|| format!("{}: line {}: not JSON", path.display(), index + 1))?;
        if let Some(run) = line.get("run") {
            if transcripts.len() == SHOWN {
                break;
            }
            let id = run["id"].as_str().unwrap_or_default().to_owned();
            transcripts.push(Transcript { id, ..Transcript::default() });
        }
        let (Some(command), Some(transcript)) = (line.get("command"), transcripts.last_mut()) else {
            continue;
        };
        match command["type"].as_str() {
            Some("ask-model") => {
                transcript.turns = command["messages"].as_array().into_iter().flatten().map(turn).collect();
            }
            Some("finish") => transcript.turns.push(turn(&command["message"])),
            Some("fail") => transcript.turns.push(("failed".to_owned(), command["reason"].to_string())),
            _ => {}
        }
    }
    Ok(transcripts)
}

/// `(role, text)` of a message; calls follow the text as the model writes them.
fn turn(message: &Value) -> (String, String) {
    let role = message["role"].as_str().unwrap_or("unknown").to_owned();
    let mut text = message["content"].as_str().unwrap_or_default().to_owned();
    for call in message["calls"].as_array().into_iter().flatten() {
        let (channel, body) = (&call["channel"], call["body"].as_str().unwrap_or_default());
        text +=
            &format!("<|action_start|><|{}|>\n{body}<|action_end|>", channel.as_str().unwrap_or("plugin"));
    }
    (role, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversation_is_the_last_prompt_and_the_end() {
        let text = [
            r#"{"run":{"id":"q1"}}"#,
            r#"{"command":{"type":"ask-model","messages":[{"role":"user","content":"2+2?"}]}}"#,
            r#"{"command":{"type":"ask-model","messages":[{"role":"user","content":"2+2?"},
                {"role":"assistant","content":"","calls":[{"channel":"plugin","body":"{}"}]}]}}"#,
            r#"{"command":{"type":"finish","message":{"role":"assistant","content":"4"}}}"#,
        ]
        .map(|line| line.replace('\n', " "))
        .join("\n");
        let transcripts = read(&text, Path::new("t.jsonl")).expect("reads");
        let roles: Vec<&str> = transcripts[0].turns.iter().map(|turn| turn.0.as_str()).collect();
        assert_eq!(roles, ["user", "assistant", "assistant"]);
        assert!(transcripts[0].turns[1].1.contains("<|plugin|>"));
    }

    #[test]
    fn failures_are_shown_and_only_the_first_runs() {
        let runs: Vec<String> = (0..5)
            .map(|run| format!("{{\"run\":{{\"id\":\"q{run}\"}}}}\n{{\"command\":{{\"type\":\"fail\",\"reason\":\"<limit>\"}}}}\n"))
            .collect();
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("transcripts.jsonl");
        std::fs::write(&path, runs.concat()).expect("writes");
        let html = section(&path).expect("reads");
        assert_eq!(html.matches("<div class=\"transcript\">").count(), SHOWN);
        assert!(html.contains("question q2") && !html.contains("question q3"));
        assert!(html.contains("&lt;limit&gt;") && !html.contains("<limit>"));
        std::fs::write(&path, "{\"run\"").expect("writes");
        assert!(section(&path).expect_err("a torn line").to_string().contains("line 1"));
        assert_eq!(section(Path::new("/nowhere")).expect("nothing to show"), "");
    }
}
