//! Replays a transcript: the state machine receives the recorded events and has to return the recorded commands.

use std::collections::VecDeque;
use std::path::Path;

use internlm_kit::file;
use serde::Deserialize;

use super::Header;
use super::recorder::command_line;
use crate::run::{Event, Machine};
use crate::{Error, Result};

/// Number of characters that an error shows of a difference.
const SHOWN: usize = 160;

/// Counts of a successful replay.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Replayed {
    /// Number of runs in the file.
    pub runs: usize,
    /// Number of events given to the state machine.
    pub events: usize,
    /// Number of commands compared.
    pub commands: usize,
}

/// A line of a transcript; exactly one of the first three fields is present.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    run: Option<Box<Header>>,
    event: Option<Event>,
    command: Option<serde::de::IgnoredAny>,
    #[serde(rename = "prompt_sha256")]
    _prompt_sha256: Option<String>,
}

/// Replays every run of a transcript and compares each command with the recorded bytes.
///
/// # Errors
/// [`Error::File`]; [`Error::Line`] for a line that does not belong in a transcript; [`Error::Replay`] at the
/// first byte that differs.
pub fn replay(path: impl AsRef<Path>) -> Result<Replayed> {
    let path = path.as_ref();
    let text = file::read_to_string(path)?;
    let mut replay = Replay { path, run: None, expected: VecDeque::new(), done: Replayed::default() };
    let mut offset = 0;
    let mut number = 0;
    for line in text.lines() {
        number += 1;
        replay.line(Place { number, offset }, line)?;
        offset += line.len() + 1;
    }
    replay.nothing_left(Place { number: number + 1, offset: text.len() }, "")?;
    if replay.done.runs == 0 {
        let message = "found no run, expected the transcript of at least one".to_owned();
        return Err(Error::Line { path: path.to_path_buf(), line: number.max(1), message });
    }
    Ok(replay.done)
}

/// Line number and byte offset of a line.
#[derive(Clone, Copy)]
struct Place {
    number: usize,
    offset: usize,
}

struct Replay<'a> {
    path: &'a Path,
    run: Option<Machine>,
    /// Lines of commands that the state machine returned and the transcript has not shown yet.
    expected: VecDeque<String>,
    done: Replayed,
}

impl Replay<'_> {
    fn line(&mut self, place: Place, text: &str) -> Result<()> {
        let broken =
            |message: String| Error::Line { path: self.path.to_path_buf(), line: place.number, message };
        let line: Line = serde_json::from_str(text)
            .map_err(|error| broken(format!("{error}, expected a line of a transcript")))?;
        match (line.run, line.event, line.command) {
            (Some(header), None, None) => {
                self.nothing_left(place, text)?;
                self.done.runs += 1;
                self.run = Some(header.agent);
            }
            (None, Some(event), None) => {
                let run = self.run.as_mut();
                let run = run.ok_or_else(|| broken("found an event before any `run`".to_owned()))?;
                let commands = run.step(event);
                self.nothing_left(place, text)?;
                self.done.events += 1;
                self.expected = commands.iter().map(command_line).collect::<Result<_>>()?;
            }
            (None, None, Some(_)) => {
                let expected = self.expected.pop_front().unwrap_or_default();
                self.done.commands += 1;
                self.compare(place, text, &expected)?;
            }
            _ => return Err(broken("expected exactly one of `run`, `event` and `command`".to_owned())),
        }
        Ok(())
    }

    /// Checks that the transcript has shown every command of the last event.
    fn nothing_left(&self, place: Place, found: &str) -> Result<()> {
        match self.expected.front() {
            Some(expected) => self.compare(place, found, expected),
            None => Ok(()),
        }
    }

    fn compare(&self, place: Place, recorded: &str, replayed: &str) -> Result<()> {
        if recorded == replayed {
            return Ok(());
        }
        let same = recorded.bytes().zip(replayed.bytes()).take_while(|(left, right)| left == right).count();
        // Step back to a character boundary of both texts.
        let same = (0..=same)
            .rev()
            .find(|at| recorded.is_char_boundary(*at) && replayed.is_char_boundary(*at))
            .unwrap_or(0);
        let show = |text: &str| text[same..].chars().take(SHOWN).collect::<String>();
        Err(Error::Replay {
            path: self.path.to_path_buf(),
            line: place.number,
            byte: place.offset + same,
            recorded: show(recorded),
            replayed: show(replayed),
        })
    }
}
