//! Tests: a run that is cut behind any line continues to the same end.

use std::sync::{Arc, Mutex};

use internlm_model::chat::Message;

use super::*;
use crate::action::{Calculator, Toolbox};
use crate::driver::drive_blocking;
use crate::llm::Scripted;
use crate::run::{AgentRun, AgentSpec};
use crate::transcript::{Header, replay};

const CALL: &str = "<|action_start|><|plugin|>\n{\"name\": \"Calculator\", \"parameters\": {\"expression\": \"12*34\"}}<|action_end|>";
const ANSWER: &str = "It is 408.";

fn tools() -> Toolbox {
    let mut tools = Toolbox::default();
    tools.add(Arc::new(Calculator));
    tools
}

fn header() -> Header {
    let tools = tools();
    let agent = AgentRun::new(AgentSpec::internlm2(tools.specs())).into();
    let names = vec!["Calculator".to_owned()];
    Header { id: "q".to_owned(), version: "1".to_owned(), sandbox: None, tools: names, agent }
}

/// Continues a run and returns its answer, its lines, and the number of calls that were given up.
fn resume(lines: &[String], replies: &[&str]) -> (String, Vec<String>, usize) {
    let mut resumed = Resumed::read(Path::new("t.jsonl"), lines).expect("reads");
    let written = Mutex::new(lines.to_vec());
    let sink = |new: &[String]| {
        written.lock().expect("no panic").extend_from_slice(new);
        Ok(())
    };
    let mut trail = resumed.trail(Secrets::default(), sink).expect("writes");
    let uncertain = resumed.uncertain_calls();
    let given_up = uncertain.len();
    for call in uncertain {
        resumed.give_up(call, "nobody is there", &mut trail).expect("records");
    }
    if resumed.is_open() {
        trail.skip_start();
    }
    let model = Scripted::new(replies.iter().copied());
    let question = vec![Message::user("What is 12 x 34?")];
    let ending = drive_blocking(&mut resumed, question, |asked| model.next(asked), &tools(), &mut trail);
    let answer = ending.expect("drives").answer().expect("an answer").to_owned();
    let all = trail.into_lines();
    assert_eq!(all, *written.lock().expect("no panic"), "every line is written once");
    (answer, all, given_up)
}

/// The whole run.
fn whole() -> Vec<String> {
    let head = Trail::start(&header(), Secrets::default(), |_| Ok(())).expect("starts").into_lines();
    let (answer, lines, _) = resume(&head, &[CALL, ANSWER]);
    assert_eq!(answer, ANSWER);
    lines
}

#[test]
fn a_run_cut_behind_any_line_ends_as_if_it_had_not_been() {
    let whole = whole();
    let kind = |line: &String| line.contains("{\"command\":{\"type\":\"call-tool\"");
    let begun = whole.iter().position(kind).expect("a call");
    for cut in 1..=whole.len() {
        let replied =
            whole[..cut].iter().filter(|line| line.starts_with("{\"event\":{\"type\":\"model\"")).count();
        let (answer, lines, given_up) = resume(&whole[..cut], &[CALL, ANSWER][replied..]);
        assert_eq!(answer, ANSWER, "cut at {cut}");
        // Only behind the line of the call itself nobody knows whether it was made.
        let is_uncertain = cut == begun + 1;
        assert_eq!(given_up, usize::from(is_uncertain), "cut at {cut}");
        assert_eq!(lines == whole, !is_uncertain, "cut at {cut}");
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("t.jsonl");
        std::fs::write(&path, lines.join("\n")).expect("writes");
        assert_eq!(replay(&path).expect("replays").runs, 1, "cut at {cut}");
    }
}

#[test]
fn the_model_reads_that_an_outcome_is_unknown() {
    let whole = whole();
    let begun = whole.iter().position(|line| line.contains("call-tool")).expect("a call");
    let (_, lines, _) = resume(&whole[..=begun], &[ANSWER]);
    let told = "the outcome of this call is unknown: the run was interrupted while it was made, and it was not \
                made again: nobody is there";
    assert!(lines[begun + 1].contains(told), "{}", lines[begun + 1]);
}

#[test]
fn lines_of_another_agent_are_refused() {
    let whole = whole();
    let error =
        |lines: &[String]| Resumed::read(Path::new("t.jsonl"), lines).expect_err("refused").to_string();
    let mut other = whole.clone();
    other[2] = other[2].replace("12 x 34", "12 x 35");
    assert!(error(&other).contains("line 3: found another command than the agent gives now"));
    assert!(error(&whole[1..]).contains("line 1: expected the head of a run"));
    assert!(error(&[whole[0].clone(), whole[0].clone()]).contains("line 2: found a second run"));
    assert!(
        error(&[whole[0].clone(), whole[2].clone()]).contains("line 2: found a command without its event")
    );
}
