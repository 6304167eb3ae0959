//! Imports recordings of lagent 0.2.4 as transcripts.
//!
//! The agent runs again with the recorded replies and results. Every prompt, every call and the answer have to be the
//! recorded ones, so an imported transcript is also a proof that this crate does what lagent did.

mod recording;

use std::collections::VecDeque;
use std::path::Path;

use internlm_model::chat::Message;
use serde_json::Value;

use self::recording::{RecordedCall, Recording, Turn};
use super::{Header, Recorder};
use crate::driver::Watcher;
use crate::protocol::lagent_message;
use crate::run::{AgentRun, Command, Event, Machine, ModelOutcome, ToolOutcome};
use crate::{Error, Result};

/// Reads a recording of lagent 0.2.4 and returns the lines of its transcript.
///
/// A recording is a JSON object with `agent` (`ReAct`, `ReWOO`, `AutoGPT` or `Internlm2Agent`), `protocol`, `tools`,
/// `max_turn`, `question`, `turns` (each with `prompt` and `reply`), `tool_calls` and `final`. Times and token counts
/// are not recorded and are 0.
///
/// # Errors
/// [`Error::File`]; [`Error::Line`] that names the field which is missing, or the turn in which this crate does
/// something else than lagent did.
pub fn import_lagent(path: impl AsRef<Path>) -> Result<Vec<String>> {
    let path = path.as_ref();
    let recording = Recording::read(path)?;
    let mut machine = Machine::from(AgentRun::new(recording.agent.clone()));
    let header = Header {
        id: recording.id.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        sandbox: None,
        tools: recording.agent.tools.iter().map(|tool| tool.name.clone()).collect(),
        agent: machine.clone(),
    };
    let mut recorder = Recorder::start(&header)?;
    let question = Event::Start { messages: vec![Message::user(&recording.question)] };
    let mut world = Past::of(path, recording);
    let mut events = VecDeque::from([question]);
    while let Some(event) = events.pop_front() {
        recorder.event(&event)?;
        for command in machine.step(event) {
            recorder.command(&command)?;
            events.extend(world.answer(command)?);
        }
    }
    world.nothing_left()?;
    Ok(recorder.into_lines())
}

/// The world as it was when lagent was recorded.
struct Past<'a> {
    path: &'a Path,
    turns: VecDeque<Turn>,
    /// Number of turns so far.
    turn: usize,
    calls: VecDeque<RecordedCall>,
    answer: Option<String>,
}

impl<'a> Past<'a> {
    fn of(path: &'a Path, recording: Recording) -> Self {
        let Recording { turns, calls, answer, .. } = recording;
        Self { path, turns: turns.into(), turn: 0, calls: calls.into(), answer: Some(answer) }
    }

    fn wrong(&self, message: String) -> Error {
        Error::Line { path: self.path.to_path_buf(), line: 1, message }
    }

    /// What happened after a command.
    fn answer(&mut self, command: Command) -> Result<Option<Event>> {
        match command {
            Command::AskModel { id, messages, .. } => {
                let outcome = ModelOutcome::text(self.reply(&messages)?);
                Ok(Some(Event::Model { request: id, outcome }))
            }
            Command::CallTool { id, name, args, .. } => {
                let value = match self.calls.pop_front() {
                    Some(call) => call.outcome(&name, &args),
                    None => Err("expected no further call".to_owned()),
                };
                let value = value
                    .map_err(|problem| self.wrong(format!("found the call {name} {args}, {problem}")))?;
                Ok(Some(Event::Tool { call: id, outcome: ToolOutcome { value, milliseconds: 0 } }))
            }
            Command::Finish { message, .. } => match self.answer.take() {
                Some(answer) if answer == message.text() => Ok(None),
                answer => {
                    let found = format!("final: found the answer {:?}", message.text());
                    Err(self.wrong(format!("{found}, expected {:?}", answer.unwrap_or_default())))
                }
            },
            Command::Fail { reason, .. } => {
                Err(self.wrong(format!("final: found no answer ({reason}), expected the recorded one")))
            }
            Command::AskHuman { .. } | Command::Emit { .. } => Ok(None),
        }
    }

    /// The recorded reply to a prompt, which has to be the recorded one.
    fn reply(&mut self, messages: &[Message]) -> Result<String> {
        let place = format!("turns[{}]", self.turn);
        let Some(turn) = self.turns.pop_front() else {
            return Err(self.wrong(format!("{place}: found a further request, expected none")));
        };
        self.turn += 1;
        // A prompt of one text is recorded without its role.
        let found = if turn.prompt.is_string() {
            Value::from(messages.iter().map(Message::text).collect::<String>())
        } else {
            messages.iter().map(lagent_message).collect()
        };
        if found == turn.prompt {
            return Ok(turn.reply);
        }
        Err(self.wrong(format!("{place}.prompt: found {found}, expected {}", turn.prompt)))
    }

    fn nothing_left(&self) -> Result<()> {
        match (self.turns.len(), self.calls.len(), &self.answer) {
            (0, 0, None) => Ok(()),
            (turns, calls, _) => {
                let expected = format!("expected the {turns} turns and {calls} calls that are left");
                Err(self.wrong(format!("turns[{}]: found the end of the run, {expected}", self.turn)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::replay;

    const RECORDING: &str = r#"{
        "id": "one", "agent": "ReAct", "max_turn": 3, "question": "q",
        "protocol": {"call_protocol": "P", "force_stop": "S", "thought": {"begin": "Thought:"},
            "action": {"begin": "Action:"}, "action_input": {"begin": "Action Input:"},
            "response": {"begin": "Response:"}, "finish": {"begin": "Final Answer:"}},
        "tools": [{"name": "Count", "description": "d", "parameters": [{"name": "text", "type": "STRING",
            "description": "t"}], "required": ["text"]}],
        "turns": [
            {"prompt": [{"role": "system", "content": "P"}, {"role": "user", "content": "q"}],
             "reply": "Thought: t\nAction: Count\nAction Input: abc\n"},
            {"prompt": [{"role": "system", "content": "P"}, {"role": "user", "content": "q"},
                {"role": "assistant", "content": "Thought: t\nAction: Count\nAction Input: abc\n"},
                {"role": "system", "content": "Response:3\n"}],
             "reply": "Final Answer:3"}],
        "tool_calls": [{"name": "Count", "type": "Count", "args": {"text": "abc"}, "state": 0,
            "result": [{"type": "text", "content": "3"}], "errmsg": null}],
        "final": "3"}"#;

    fn import(text: &str) -> Result<Vec<String>, String> {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("r.json");
        std::fs::write(&path, text).expect("writes");
        let lines = import_lagent(&path).map_err(|error| error.to_string())?;
        let path = folder.path().join("t.jsonl");
        std::fs::write(&path, lines.join("\n")).expect("writes");
        assert_eq!(replay(&path).expect("replays").events, 4);
        Ok(lines)
    }

    #[test]
    fn a_recording_becomes_a_transcript_that_replays() {
        let lines = import(RECORDING).expect("imports");
        assert!(lines[0].starts_with("{\"run\":{\"id\":\"one\""), "{}", lines[0]);
        assert!(lines.last().is_some_and(|line| line.contains("\"type\":\"finish\"")));
    }

    #[test]
    fn what_differs_from_the_recording_is_named() {
        for (from, to, message) in [
            (
                "\"content\": \"P\"}, {\"role\": \"user\", \"content\": \"q\"}]",
                "\"content\": \"X\"}]",
                "turns[0].prompt: found",
            ),
            (
                "{\"text\": \"abc\"}",
                "{\"text\": \"abd\"}",
                "found the call Count {\"text\":\"abc\"}, expected",
            ),
            ("\"final\": \"3\"", "\"final\": \"4\"", "final: found the answer \"3\", expected \"4\""),
            ("\"agent\": \"ReAct\"", "\"agent\": \"Other\"", "agent: found `Other`, expected one of ReAct"),
            ("\"question\": \"q\",", "", "question: not found, expected a text"),
        ] {
            let error = import(&RECORDING.replacen(from, to, 1)).expect_err(message);
            assert!(error.contains(message), "{error}");
        }
    }
}
