//! [`LiveText`]: the text of an answer while it is generated, for agents whose reply is their answer.

use super::agents::ServedAgent;
use super::run::Run;
use super::run_log::Reader;
use crate::client::RunEvent;
use crate::protocol::Protocol;
use crate::run::{Event, Machine};

/// The pieces of an answer, and what of it has been given away already.
#[derive(Debug)]
pub(super) struct LiveText {
    reader: Reader,
    sent: String,
}

impl LiveText {
    /// The text of a run that has not begun. Absent for agents that call tools, whose replies need not be answers, and
    /// for hooks, which may change the answer.
    pub(super) fn of(agent: &ServedAgent, run: &Run) -> Option<Self> {
        let is_plain = match &agent.machine {
            Machine::Agent(run) => matches!(run.spec().protocol, Protocol::Plain(_)),
            _ => false,
        };
        let is_live = is_plain && agent.hooks.is_empty();
        is_live.then(|| Self { reader: run.log.reader(0), sent: String::new() })
    }

    /// The next piece; nothing once the rest comes with the answer.
    pub(super) async fn next(&mut self) -> Option<String> {
        loop {
            let read = self.reader.next().await?;
            if read.id.is_some() || self.reader.has_missed() {
                continue;
            }
            let Ok(RunEvent::Event(event)) = serde_json::from_str(&read.line.json) else { continue };
            if let Event::ModelDelta { text, .. } = *event {
                self.sent.push_str(&text);
                return Some(text);
            }
        }
    }

    /// What has not been sent of the whole answer; nothing when the answer is another text.
    pub(super) fn rest<'t>(&self, answer: &'t str) -> Option<&'t str> {
        answer.strip_prefix(self.sent.as_str())
    }
}
