//! Reads the lines of transcripts.

use std::path::Path;

use internlm_kit::file;
use serde::Deserialize;

use super::Header;
use crate::run::{Command, Event};
use crate::{Error, Result};

/// What one line of a transcript says.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Entry {
    Run(Box<Header>),
    Event(Event),
    Command(Command),
}

/// One event or command of a recorded run.
#[derive(Clone, Debug, PartialEq)]
pub enum Recorded {
    /// What happened, as the driver reported it.
    Event(Event),
    /// What the run wanted the driver to do.
    Command(Command),
}

/// One run of a transcript: its head and everything that followed.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedRun {
    /// Number of the head's line in the file, counted from 1. The steps are in the lines after it.
    pub line: usize,
    /// Everything that is known before the first event.
    pub header: Header,
    /// Events and commands in their order.
    pub steps: Vec<Recorded>,
}

/// A line of a transcript; exactly one of the first three fields is present.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    run: Option<Box<Header>>,
    event: Option<Event>,
    command: Option<Command>,
    #[serde(rename = "prompt_sha256")]
    _prompt_sha256: Option<String>,
}

/// Reads one line. The problem of a line that does not belong in a transcript is an [`Error::Line`].
pub(super) fn parse_line((path, number): (&Path, usize), text: &str) -> Result<Entry> {
    let broken = |message: String| Error::Line { path: path.to_path_buf(), line: number, message };
    let line: Line = serde_json::from_str(text)
        .map_err(|error| broken(format!("{error}, expected a line of a transcript")))?;
    match (line.run, line.event, line.command) {
        (Some(header), None, None) => Ok(Entry::Run(header)),
        (None, Some(event), None) => Ok(Entry::Event(event)),
        (None, None, Some(command)) => Ok(Entry::Command(command)),
        _ => Err(broken("expected exactly one of `run`, `event` and `command`".to_owned())),
    }
}

/// Reads every run of a transcript. Nothing is replayed or compared; [`replay`](super::replay) does that.
///
/// # Errors
/// [`Error::File`]; [`Error::Line`] for a line that does not belong in a transcript, and for a file without any
/// run.
pub fn read_transcript(path: impl AsRef<Path>) -> Result<Vec<RecordedRun>> {
    let path = path.as_ref();
    let text = file::read_to_string(path)?;
    let wrong = |line: usize, message: &str| Error::Line {
        path: path.to_path_buf(),
        line,
        message: message.to_owned(),
    };
    let mut runs: Vec<RecordedRun> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        let step = match parse_line((path, number), line)? {
            Entry::Run(header) => {
                runs.push(RecordedRun { line: number, header: *header, steps: Vec::new() });
                continue;
            }
            Entry::Event(event) => Recorded::Event(event),
            Entry::Command(command) => Recorded::Command(command),
        };
        match runs.last_mut() {
            Some(run) => run.steps.push(step),
            None => return Err(wrong(number, "found a step before any `run`")),
        }
    }
    if runs.is_empty() {
        let message = "found no run, expected the transcript of at least one";
        return Err(wrong(text.lines().count().max(1), message));
    }
    Ok(runs)
}
