//! [`Narrator`]: the text of a run while it is written, divided into what leads to the answer and the answer itself.

use std::ops::Range;

use internlm_model::chat::Role;

use crate::client::RunEvent;
use crate::protocol::{Certain, Protocol, Stage};
use crate::run::{Command, Event, ModelOutcome};

/// A piece of text for the client.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Piece {
    /// Thoughts, calls, and replies that may still become calls.
    Reasoning(String),
    /// Text that certainly belongs to the answer.
    Answer(String),
}

/// Listens to the events of a run.
#[derive(Debug)]
pub(super) struct Narrator {
    /// How replies are read; absent for a team, whose members' replies mix.
    protocol: Option<Protocol>,
    stage: Stage,
    /// The reply that is being written.
    reply: Reply,
    /// The whole text of the pieces of the answer.
    answer: String,
    /// Whether the reasoning so far is empty or ends with a line end.
    at_line_start: bool,
}

/// The reply of one request, as far as it is known.
#[derive(Debug, Default)]
struct Reply {
    /// Number of the request; absent before the first letter and after the end.
    request: Option<u64>,
    text: String,
    /// Number of bytes that were told.
    told: usize,
    /// The part of the answer that was told; absent before its beginning.
    answered: Option<Range<usize>>,
}

impl Narrator {
    pub(super) fn new(protocol: Option<Protocol>) -> Self {
        let (reply, answer) = (Reply::default(), String::new());
        Self { protocol, stage: Stage::default(), reply, answer, at_line_start: true }
    }

    /// The text of all pieces of the answer.
    pub(super) fn answer(&self) -> &str {
        &self.answer
    }

    /// The pieces that follow from one line of the run's log.
    pub(super) fn hear(&mut self, line: RunEvent) -> Vec<Piece> {
        match line {
            RunEvent::Event(event) => self.event(*event),
            RunEvent::Command(command) => self.command(&command),
            RunEvent::End(_) => Vec::new(),
        }
    }

    fn event(&mut self, event: Event) -> Vec<Piece> {
        match event {
            Event::ModelDelta { request, text } if self.protocol.is_some() => self.write(request, &text),
            Event::Model { request, outcome: ModelOutcome::Reply { content, .. } } => {
                self.complete(request, &content)
            }
            _ => Vec::new(),
        }
    }

    fn command(&mut self, command: &Command) -> Vec<Piece> {
        // The reply is the answer, of which nothing has to be told any more.
        if matches!(command, Command::Finish { .. }) {
            return Vec::new();
        }
        let mut pieces = self.close();
        match command {
            Command::CallTool { name, .. } => pieces.extend(self.tell(&format!("[calling {name}]\n"))),
            Command::AskHuman { name, .. } => {
                pieces.extend(self.tell(&format!("[{name} waits for approval]\n")));
            }
            // The log of the workers, which the solver is asked with.
            Command::Emit { message, .. } if message.role == Role::System => {
                self.stage = Stage::Solving;
            }
            _ => {}
        }
        pieces
    }

    /// Takes a whole reply, of which any part may have been heard before.
    fn complete(&mut self, request: u64, content: &str) -> Vec<Piece> {
        let known = self.reply.request == Some(request);
        let heard = if known { self.reply.text.as_str() } else { "" };
        match content.strip_prefix(heard).map(str::to_owned) {
            Some(rest) => self.write(request, &rest),
            // The model began its reply once more.
            None => {
                let mut pieces = self.close();
                pieces.extend(self.write(request, content));
                pieces
            }
        }
    }

    /// Takes more text of a reply.
    fn write(&mut self, request: u64, text: &str) -> Vec<Piece> {
        let mut pieces = Vec::new();
        if self.reply.request != Some(request) {
            pieces.extend(self.close());
            self.reply.request = Some(request);
        }
        self.reply.text.push_str(text);
        let Certain { told, answer } = match &self.protocol {
            Some(protocol) => protocol.certain(&self.reply.text, self.stage),
            None => Certain::open(self.reply.text.len()),
        };
        pieces.extend(self.tell_until(told));
        if let Some(range) = answer {
            pieces.extend(self.answer_until(&range));
        }
        pieces
    }

    /// Ends the reply, which was not the answer: what was held back is told, and the line is ended.
    fn close(&mut self) -> Vec<Piece> {
        let mut pieces = Vec::new();
        if self.reply.answered.is_none() {
            pieces.extend(self.tell_until(self.reply.text.len()));
        }
        self.reply = Reply::default();
        if !self.at_line_start {
            pieces.extend(self.tell("\n"));
        }
        pieces
    }

    /// Tells the reply up to a byte.
    fn tell_until(&mut self, end: usize) -> Option<Piece> {
        let text = self.reply.text.get(self.reply.told..end)?.to_owned();
        self.reply.told = end;
        self.tell(&text)
    }

    /// Tells more of the answer. One that the model has taken back is not continued.
    fn answer_until(&mut self, range: &Range<usize>) -> Option<Piece> {
        let told = self.reply.answered.get_or_insert(range.start..range.start);
        if told.start != range.start || told.end >= range.end {
            return None;
        }
        let more = self.reply.text.get(told.end..range.end)?.to_owned();
        told.end = range.end;
        self.answer.push_str(&more);
        Some(Piece::Answer(more))
    }

    fn tell(&mut self, text: &str) -> Option<Piece> {
        let last = text.chars().next_back()?;
        self.at_line_start = last == '\n';
        Some(Piece::Reasoning(text.to_owned()))
    }
}

#[cfg(test)]
mod tests;
