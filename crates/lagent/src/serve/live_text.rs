//! [`LiveText`]: the text of a run while it is generated, for streamed chats.
//!
//! A chunk's `content` only has text that certainly belongs to the final answer. Everything else comes as
//! `reasoning_content`, the field in which clients show what a model thinks before it answers: thoughts, plans, calls
//! and code as the model writes them, and a line `[calling NAME]` for each tool that is called.
//!
//! | agent | what is certain |
//! |---|---|
//! | without tools | every reply is the answer |
//! | `ReAct` | what follows the tag of the answer, unless there is something of an action before it |
//! | `ReWOO` | the solver's reply |
//! | `InternLM2`, `MathCoder`, `AutoGPT`, everything that is read by the letter | nothing before the end of the reply |
//! | a team | nothing: its members' replies come as reasoning when they are whole |
//!
//! A reply that may still end with a call is reasoning while it is written. If it ends without one it was the answer,
//! and is sent as content in one piece. The pieces of content together are the answer of the request without a stream.
//! A stream whose beginning turns out to be something else ends with an error. This takes a model that ends thoughts
//! which it has not begun, behind a line that looks like an answer.
//!
//! The answer of an agent with hooks, which may change it or hide a part of it, comes at the end.

use std::collections::VecDeque;

use super::agents::ServedAgent;
use super::narrator::{Narrator, Piece};
use super::run::Run;
use super::run_log::Reader;
use crate::run::Machine;

/// The pieces of a run's text, and what of the answer has been given away already.
#[derive(Debug)]
pub(super) struct LiveText {
    reader: Reader,
    narrator: Narrator,
    pieces: VecDeque<Piece>,
}

impl LiveText {
    /// The text of a run from this moment on; absent for agents with hooks.
    pub(super) fn of(agent: &ServedAgent, run: &Run) -> Option<Self> {
        if !agent.hooks.is_empty() {
            return None;
        }
        let protocol = match &agent.machine {
            Machine::Agent(run) => Some(run.spec().protocol.clone()),
            Machine::Team(_) => None,
        };
        let reader = run.log.reader(u64::MAX);
        Some(Self { reader, narrator: Narrator::new(protocol), pieces: VecDeque::new() })
    }

    /// The next piece; nothing after the end of the run. Dropping the future loses nothing.
    pub(super) async fn next(&mut self) -> Option<Piece> {
        loop {
            if let Some(piece) = self.pieces.pop_front() {
                return Some(piece);
            }
            let read = self.reader.next().await?;
            // Some pieces of replies are lost, so the others do not fit. The replies come again as a whole.
            if read.id.is_none() && self.reader.has_missed() {
                continue;
            }
            // Every line has this form.
            if let Ok(line) = serde_json::from_str(&read.line.json) {
                self.pieces.extend(self.narrator.hear(line));
            }
        }
    }

    /// What has not been sent of the whole answer; nothing when the answer is another text.
    pub(super) fn rest<'t>(&self, answer: &'t str) -> Option<&'t str> {
        answer.strip_prefix(self.narrator.answer())
    }
}
