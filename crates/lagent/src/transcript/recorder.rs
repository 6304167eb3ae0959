//! Records one run as the lines of a transcript.

use internlm_kit::hash;
use internlm_kit::sandbox::Level;
use serde::{Deserialize, Serialize};

use super::Secrets;
use crate::Result;
use crate::driver::Watcher;
use crate::run::{Command, Event, Machine};

/// The first line of a run. Together with the events it is everything that a replay needs.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Header {
    /// Id of the question.
    pub id: String,
    /// Version of this crate, and so of its built-in tools.
    pub version: String,
    /// Sandbox level of the tools that run code; absent if no tool does.
    pub sandbox: Option<Level>,
    /// Names of the agent's tools.
    pub tools: Vec<String>,
    /// State of the agent or the team before its first event.
    pub agent: Machine,
}

/// A watcher that collects the lines of one run in memory.
#[derive(Clone, Debug, Default)]
pub struct Recorder {
    lines: Vec<String>,
    secrets: Secrets,
}

impl Recorder {
    /// Creates a recorder whose first line is `header`.
    ///
    /// # Errors
    /// [`Error::State`](crate::Error::State); does not happen for states that this crate created.
    pub fn start(header: &Header) -> Result<Self> {
        Self::masking(header, Secrets::default())
    }

    /// Creates a recorder that masks secrets in every line, the first one included.
    ///
    /// # Errors
    /// The same as [`Recorder::start`]; also when a secret is one of the format's own words, such as `model`.
    pub fn masking(header: &Header, secrets: Secrets) -> Result<Self> {
        let header = serde_json::to_string(&secrets.masked(header)?)?;
        Ok(Self { lines: vec![format!("{{\"run\":{header}}}")], secrets })
    }

    /// Creates a recorder that continues after these lines.
    pub(super) fn resume(lines: Vec<String>, secrets: Secrets) -> Self {
        Self { lines, secrets }
    }

    /// Returns the lines so far, without line ends.
    #[must_use]
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// Returns all lines, without line ends.
    #[must_use]
    pub fn into_lines(self) -> Vec<String> {
        self.lines
    }
}

impl Watcher for Recorder {
    fn event(&mut self, event: &Event) -> Result<()> {
        let event = serde_json::to_string(&self.secrets.masked(event)?)?;
        self.lines.push(format!("{{\"event\":{event}}}"));
        Ok(())
    }

    fn command(&mut self, command: &Command) -> Result<()> {
        let masked = self.secrets.masked(command)?;
        self.lines.push(command_line(&masked)?);
        Ok(())
    }
}

/// Serializes a command as a line. A model request also gets the hash of its prompt, so that prompts can be
/// compared without reading them.
pub(super) fn command_line(command: &Command) -> Result<String> {
    let body = serde_json::to_string(command)?;
    match command {
        Command::AskModel { messages, tools, .. } => {
            let hash = hash::sha256(serde_json::to_vec(&(messages, tools))?);
            Ok(format!("{{\"command\":{body},\"prompt_sha256\":\"{hash}\"}}"))
        }
        _ => Ok(format!("{{\"command\":{body}}}")),
    }
}
