//! Exports transcripts for people, as Markdown or HTML, and for fine-tuning, as samples.

mod html;
mod markdown;
mod samples;

use std::path::Path;

use internlm_model::chat::{Message, Role};

use super::{Recorded, RecordedRun, read_transcript};
use crate::Result;
use crate::run::{Command, Event, FailReason, Finish};

/// The form of an export.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ExportFormat {
    /// One section for each run.
    Markdown,
    /// One page without scripts, which shows everything as text.
    Html,
    /// JSON lines `{"tools", "messages"}` in OpenAI's form, as xtuner reads them. Only runs of one agent whose last
    /// question has a whole answer become samples.
    Samples,
}

/// Exports every run of a transcript.
///
/// # Errors
/// The same as [`read_transcript`].
pub fn export(path: impl AsRef<Path>, format: ExportFormat) -> Result<String> {
    let runs = read_transcript(path)?;
    match format {
        ExportFormat::Markdown => Ok(runs.iter().map(markdown::section).collect()),
        ExportFormat::Html => Ok(html::page(&runs)),
        ExportFormat::Samples => samples::lines(&runs),
    }
}

/// A part of a run as people read it.
enum Part<'a> {
    /// A message of the conversation, with the name of the member whose it is.
    Message(&'a Message, Option<&'a str>),
    /// A call that a tool was asked to make.
    Call(&'a str, String),
    /// A call that a person has denied.
    Denied(&'a str),
    /// The answer.
    Answer(&'a Message, Finish),
    /// Why there is no answer.
    Failure(&'a FailReason),
}

/// The parts of a run in their order.
fn parts(run: &RecordedRun) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    for step in &run.steps {
        match step {
            Recorded::Event(Event::Start { messages }) => {
                parts.extend(messages.iter().map(|message| Part::Message(message, None)));
            }
            Recorded::Event(Event::Deny { reason, .. }) => parts.push(Part::Denied(reason)),
            Recorded::Event(_) => {}
            Recorded::Command(Command::Emit { message, agent }) => {
                parts.push(Part::Message(message, agent.as_deref()));
            }
            Recorded::Command(Command::CallTool { name, args, .. }) => {
                parts.push(Part::Call(name, args.to_string()));
            }
            Recorded::Command(Command::Finish { message, finish }) => {
                parts.push(Part::Answer(message, *finish))
            }
            Recorded::Command(Command::Fail { reason, .. }) => parts.push(Part::Failure(reason)),
            Recorded::Command(_) => {}
        }
    }
    parts
}

/// A part as its heading and its text.
fn shown(part: &Part<'_>) -> (String, String) {
    match part {
        Part::Message(message, agent) => {
            let author = match message.role {
                Role::System => "System",
                Role::User => "Question",
                Role::Assistant => "Model",
                Role::Environment => "Result",
            };
            let calls: String = message.calls.iter().map(|call| format!("\n{}", call.markup())).collect();
            let text = format!("{}{calls}", message.text());
            (agent.map_or(author.to_owned(), |agent| format!("{author} ({agent})")), text)
        }
        Part::Call(name, args) => (format!("Call of {name}"), args.clone()),
        Part::Denied(reason) => ("Denied".to_owned(), (*reason).to_owned()),
        Part::Answer(message, Finish::Stop) => ("Answer".to_owned(), message.text().to_owned()),
        Part::Answer(message, Finish::Length) => {
            ("Answer, cut off at the token limit".to_owned(), message.text().to_owned())
        }
        Part::Failure(reason) => ("No answer".to_owned(), reason.to_string()),
    }
}

/// What is known of a run besides its steps.
fn facts(run: &RecordedRun) -> String {
    let header = &run.header;
    let level = header.sandbox.map_or("no tool runs code".to_owned(), |level| format!("sandbox {level}"));
    let tools = if header.tools.is_empty() { "none".to_owned() } else { header.tools.join(", ") };
    format!("lagent {}, {level}, tools: {tools}", header.version)
}

#[cfg(test)]
mod tests;
