//! Tests: exports show everything as text, and samples are conversations with tools.

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::action::{Calculator, Toolbox};
use crate::driver::drive_blocking;
use crate::llm::Scripted;
use crate::run::{AgentRun, AgentSpec};
use crate::transcript::{Difference, Header, Recorder, check_tools, diff};

const CALL: &str = "<|action_start|><|plugin|>\n{\"name\": \"Calculator\", \"parameters\": {\"expression\": \"12*34\"}}<|action_end|>";

fn tools() -> Toolbox {
    let mut tools = Toolbox::default();
    tools.add(Arc::new(Calculator));
    tools
}

/// The lines of one run.
fn run(id: &str, replies: &[&str]) -> Vec<String> {
    let tools = tools();
    let mut run = AgentRun::new(AgentSpec::internlm2(tools.specs()));
    let (version, names) = ("1".to_owned(), vec!["Calculator".to_owned()]);
    let header =
        Header { id: id.to_owned(), version, sandbox: None, tools: names, agent: run.clone().into() };
    let mut recorder = Recorder::start(&header).expect("starts");
    let model = Scripted::new(replies.iter().copied());
    let question = vec![Message::user("What is <b>12 x 34</b>?")];
    drive_blocking(&mut run, question, |asked| model.next(asked), &tools, &mut recorder).expect("runs");
    recorder.into_lines()
}

/// Writes lines into a file of a folder and returns its path.
fn written(folder: &tempfile::TempDir, name: &str, lines: &[String]) -> std::path::PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, format!("{}\n", lines.join("\n"))).expect("writes");
    path
}

#[test]
fn people_read_every_part_and_nothing_is_markup() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let lines = [run("a_1", &[CALL, "````\n<script>It is 408."]), run("b", &[CALL])].concat();
    let path = written(&folder, "t.jsonl", &lines);
    let markdown = export(&path, ExportFormat::Markdown).expect("exports");
    assert!(
        markdown.starts_with("## a\\_1\n\nlagent 1, no tool runs code, tools: Calculator\n"),
        "{markdown}"
    );
    assert!(
        markdown.contains("**Call of Calculator**\n\n```text\n{\"expression\":\"12*34\"}\n```\n"),
        "{markdown}"
    );
    assert!(markdown.contains("**Answer**\n\n`````text\n````\n<script>It is 408.\n`````\n"), "{markdown}");
    assert!(markdown.contains("**No answer**"), "{markdown}");
    let page = export(&path, ExportFormat::Html).expect("exports");
    assert!(page.contains("What is &lt;b&gt;12 x 34&lt;/b&gt;?") && !page.contains("<script>"), "{page}");
}

#[test]
fn only_answered_questions_become_samples() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let lines = [run("a", &[CALL, "It is 408."]), run("b", &[CALL])].concat();
    let samples = export(written(&folder, "t.jsonl", &lines), ExportFormat::Samples).expect("exports");
    let samples: Vec<Value> =
        samples.lines().map(|line| serde_json::from_str(line).expect("is JSON")).collect();
    assert_eq!(samples.len(), 1);
    assert_eq!(samples[0]["tools"][0]["function"]["name"], "Calculator");
    let roles: Vec<&Value> =
        samples[0]["messages"].as_array().expect("a list").iter().map(|m| &m["role"]).collect();
    assert_eq!(roles, [&json!("user"), &json!("assistant"), &json!("tool"), &json!("assistant")]);
    let call = &samples[0]["messages"][1]["tool_calls"][0]["function"];
    assert_eq!(call, &json!({"name": "Calculator", "arguments": "{\"expression\":\"12*34\"}"}));
}

#[test]
fn differences_are_found_run_by_run_and_times_do_not_count() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let (one, two) = (run("a", &[CALL, "It is 408."]), run("b", &["No."]));
    let first = written(&folder, "1.jsonl", &[one.clone(), two.clone()].concat());
    let slower = one.iter().map(|line| match line.starts_with("{\"event\"") {
        true => line.replace("\"milliseconds\":0", "\"milliseconds\":9"),
        false => line.clone(),
    });
    let slower: Vec<String> = slower.collect();
    assert_ne!(slower, one);
    let second = written(&folder, "2.jsonl", &[two.clone(), slower].concat());
    assert!(diff(&first, &second).expect("reads").is_empty());
    let other = run("a", &[CALL, "It is 409."]);
    let third = written(&folder, "3.jsonl", &[other, run("c", &["No."])].concat());
    let differences = diff(&first, &third).expect("reads");
    let missing = |id: &str, from_first| Difference::Missing { id: id.to_owned(), from_first };
    assert_eq!(differences[1..], [missing("b", false), missing("c", true)]);
    let Difference::Changed { id, lines: (left, right), texts } = &differences[0] else {
        panic!("{differences:?}")
    };
    assert_eq!((id.as_str(), left, right), ("a", &Some(10), &Some(10)));
    assert!(texts.0.contains("It is 408.") && texts.1.contains("It is 409."), "{texts:?}");
}

#[test]
fn calls_are_made_again_and_changed_results_are_found() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let lines = run("a", &[CALL, "It is 408."]);
    let checked = check_tools(written(&folder, "t.jsonl", &lines), &tools()).expect("reads");
    assert_eq!((checked.calls, checked.changed.len()), (1, 0));
    let lied: Vec<String> =
        lines.iter().map(|line| line.replace("\"content\":\"408\"", "\"content\":\"409\"")).collect();
    let checked = check_tools(written(&folder, "t.jsonl", &lied), &tools()).expect("reads");
    let changed = &checked.changed[0];
    assert_eq!((changed.recorded.as_str(), changed.now.as_str(), changed.line), ("409", "408", 7));
}
