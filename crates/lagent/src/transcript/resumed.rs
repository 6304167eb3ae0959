//! [`Resumed`]: a run that continues where its process ended, without making a call twice.
//!
//! A transcript is written line by line: an event before the run takes it, a command before it is carried
//! out. So a call whose command is not written was not made, a call with its result is done, and for a call in
//! between nobody knows. Such a call is made again only if somebody says so.

use std::collections::{BTreeSet, VecDeque};
use std::path::Path;

use serde_json::Value;

use super::reading::{Entry, parse_line};
use super::recorder::command_line;
use super::{Secrets, Trail};
use crate::action::{ActionReturn, ActionState};
use crate::driver::Watcher;
use crate::run::{Command, Event, Machine, Step, ToolOutcome};
use crate::{Error, Result};

/// A call that may have been made before the process ended.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct UncertainCall {
    /// Id of the call in its run.
    pub id: u64,
    /// Name of the tool.
    pub name: String,
    /// Arguments of the call.
    pub args: Value,
}

/// A machine with what it still waits for. Drivers take it as they take a machine: the first [`Event::Start`] then
/// gives the commands that are open, whatever its messages are.
///
/// ```
/// use lagent::run::{AgentRun, AgentSpec, Machine};
/// use lagent::transcript::{Header, Recorder, Resumed};
///
/// let machine = Machine::from(AgentRun::new(AgentSpec::internlm2(Vec::new())));
/// let (version, tools) = ("1".to_owned(), Vec::new());
/// let header = Header { id: "q".to_owned(), version, sandbox: None, tools, agent: machine.clone() };
/// let lines = Recorder::start(&header)?.into_lines();
/// let resumed = Resumed::read("transcript.jsonl".as_ref(), &lines)?;
/// assert!(resumed.began_as(&machine) && !resumed.is_open());
/// # Ok::<(), lagent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Resumed {
    machine: Machine,
    /// The state before the first event.
    began: Box<Machine>,
    /// Commands whose events are not known.
    open: Vec<Command>,
    /// Ids of open calls that may have been made.
    begun: BTreeSet<u64>,
    /// All lines of the run.
    lines: Vec<String>,
    /// Number of lines that were in the file.
    known: usize,
    /// Whether these lines tell how the last question ended.
    is_told: bool,
}

impl From<Machine> for Resumed {
    /// A machine with nothing open.
    fn from(machine: Machine) -> Self {
        let began = Box::new(machine.clone());
        Self {
            machine,
            began,
            open: Vec::new(),
            begun: BTreeSet::new(),
            lines: Vec::new(),
            known: 0,
            is_told: false,
        }
    }
}

impl Resumed {
    /// Gives the events of the lines to the machine again. `path` is the file of errors.
    ///
    /// # Errors
    /// [`Error::Line`] for lines that are not those of one run, or that another version of the agent wrote.
    pub fn read(path: &Path, lines: &[String]) -> Result<Self> {
        let wrong = |index: usize, message: &str| Error::Line {
            path: path.to_path_buf(),
            line: index + 1,
            message: message.to_owned(),
        };
        let mut entries = lines.iter().enumerate();
        let first = entries.next().map(|(index, line)| parse_line((path, index + 1), line)).transpose()?;
        let Some(Entry::Run(header)) = first else { return Err(wrong(0, "expected the head of a run")) };
        let mut resumed = Self::from(header.agent);
        resumed.lines.extend(lines.first().cloned());
        let mut expected: VecDeque<Command> = VecDeque::new();
        for (index, line) in entries {
            match parse_line((path, index + 1), line)? {
                Entry::Event(event) if expected.is_empty() => {
                    resumed.lines.push(line.clone());
                    expected = resumed.take(event).into();
                }
                Entry::Command(_) => {
                    let known = expected.pop_front();
                    let command = known.ok_or_else(|| wrong(index, "found a command without its event"))?;
                    let again = command_line(&command)?;
                    if again != *line {
                        return Err(wrong(index, "found another command than the agent gives now"));
                    }
                    resumed.lines.push(again);
                    resumed.begun.extend(call_id(&command));
                }
                Entry::Event(_) => {
                    return Err(wrong(index, "found an event before all commands of the last one"));
                }
                Entry::Run(_) => return Err(wrong(index, "found a second run, expected one")),
            }
        }
        resumed.known = resumed.lines.len();
        resumed.is_told = resumed.open.iter().any(ends) && !expected.iter().any(ends);
        for command in &expected {
            resumed.lines.push(command_line(command)?);
        }
        Ok(resumed)
    }

    /// Returns the machine, whose question may still be open.
    #[must_use]
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// Says whether the run began in this state.
    #[must_use]
    pub fn began_as(&self, machine: &Machine) -> bool {
        *self.began == *machine
    }

    /// Says whether the last question is not answered yet, or its end was not reported yet.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// Takes the end of the last question as known if the lines that were read tell it, so that the next start asks
    /// a new question instead of reporting that end again.
    pub fn forget_told_ending(&mut self) {
        if std::mem::take(&mut self.is_told) {
            self.open.clear();
        }
    }

    /// Returns the open calls that may have been made.
    #[must_use]
    pub fn uncertain_calls(&self) -> Vec<UncertainCall> {
        let calls = self.open.iter().filter_map(|command| match command {
            Command::CallTool { id, name, args, .. } if self.begun.contains(id) => {
                Some(UncertainCall { id: *id, name: name.clone(), args: args.clone() })
            }
            _ => None,
        });
        calls.collect()
    }

    /// Continues the transcript, with the lines that are still missing at first. `sink` writes lines.
    ///
    /// # Errors
    /// Any error of `sink`.
    pub fn trail<'a>(
        &self,
        secrets: Secrets,
        sink: impl FnMut(&[String]) -> Result<()> + Send + 'a,
    ) -> Result<Trail<'a>> {
        Trail::resume(self.lines.clone(), self.known, (secrets, Box::new(sink)))
    }

    /// Ends a call that is not made again: the model reads that its outcome is unknown, with the reason.
    ///
    /// # Errors
    /// Any error of writing the transcript.
    pub fn give_up(&mut self, call: UncertainCall, reason: &str, trail: &mut Trail<'_>) -> Result<()> {
        let message = format!(
            "the outcome of this call is unknown: the run was interrupted while it was made, and it was not made \
             again: {reason}"
        );
        let value = ActionReturn::error(&call.name, call.args, ActionState::ApiError, message);
        let outcome = ToolOutcome { value, milliseconds: 0 };
        self.tell(Event::Tool { call: call.id, outcome }, trail)
    }

    /// Ends the question that is being answered; the conversation is kept. `watcher` sees how.
    ///
    /// # Errors
    /// Any error of the watcher.
    pub fn cancel(&mut self, watcher: &mut dyn Watcher) -> Result<()> {
        watcher.event(&Event::Cancel)?;
        let commands = self.machine.step(Event::Cancel);
        self.open.clear();
        commands.iter().try_for_each(|command| watcher.command(command))
    }

    /// Gives one event to the machine and records it; what follows from it is open.
    fn tell(&mut self, event: Event, trail: &mut Trail<'_>) -> Result<()> {
        trail.event(&event)?;
        let commands = self.take(event);
        commands.iter().try_for_each(|command| trail.command(command))
    }

    /// Gives one event to the machine and keeps the commands that need an event or end the question.
    fn take(&mut self, event: Event) -> Vec<Command> {
        self.close(&event);
        let commands = self.machine.step(event);
        let lasting = commands.iter().filter(|command| !matches!(command, Command::Emit { .. }));
        self.open.extend(lasting.cloned());
        if self.open.iter().any(ends) {
            self.open.retain(ends);
        }
        commands
    }

    /// Removes the command that an event answers.
    fn close(&mut self, event: &Event) {
        match event {
            Event::Start { .. } | Event::Cancel => self.open.clear(),
            Event::Model { request, .. } => {
                self.open.retain(|open| !matches!(open, Command::AskModel { id, .. } if id == request));
            }
            Event::Tool { call, .. } => {
                self.open.retain(|open| !matches!(open, Command::CallTool { id, .. } if id == call));
            }
            Event::Approve { call: decided } | Event::Deny { call: decided, .. } => {
                self.open.retain(|open| !matches!(open, Command::AskHuman { call, .. } if call == decided));
            }
            Event::ModelDelta { .. } => {}
        }
    }
}

impl Step for Resumed {
    fn step(&mut self, event: Event) -> Vec<Command> {
        match event {
            Event::Start { .. } if self.is_open() => std::mem::take(&mut self.open),
            event => self.machine.step(event),
        }
    }
}

/// The id of a call of a tool.
fn call_id(command: &Command) -> Option<u64> {
    match command {
        Command::CallTool { id, .. } => Some(*id),
        _ => None,
    }
}

/// Whether a command ends the question.
fn ends(command: &Command) -> bool {
    matches!(command, Command::Finish { .. } | Command::Fail { .. })
}

#[cfg(test)]
mod tests;
