//! Recording one run.

use internlm_kit::atomic;
use internlm_kit::sandbox::Level;
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::driver::Watcher;
use crate::run::{AgentRun, Command, Event};

/// The first line of a run: everything that a replay needs.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Header {
    /// Which question.
    pub id: String,
    /// Version of this crate, which is that of its tools.
    pub version: String,
    /// The level that confined whatever the tools ran; absent when no tool runs anything.
    pub sandbox: Option<Level>,
    /// Names of the tools.
    pub tools: Vec<String>,
    /// The run before its first event.
    pub agent: AgentRun,
}

/// Collects the lines of one run.
#[derive(Clone, Debug, Default)]
pub struct Recorder {
    lines: Vec<String>,
}

impl Recorder {
    /// Starts with the header's line.
    ///
    /// # Errors
    /// [`Error::State`](crate::Error::State): never for states that were built by this crate.
    pub fn start(header: &Header) -> Result<Self> {
        Ok(Self { lines: vec![format!("{{\"run\":{}}}", serde_json::to_string(header)?)] })
    }

    /// The lines so far, without line ends.
    #[must_use]
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// The lines, without line ends.
    #[must_use]
    pub fn into_lines(self) -> Vec<String> {
        self.lines
    }
}

impl Watcher for Recorder {
    fn event(&mut self, event: &Event) -> Result<()> {
        self.lines.push(format!("{{\"event\":{}}}", serde_json::to_string(event)?));
        Ok(())
    }

    fn command(&mut self, command: &Command) -> Result<()> {
        self.lines.push(command_line(command)?);
        Ok(())
    }
}

/// A command's line; a model request also has the hash of its messages, so that prompts can be compared
/// without reading them.
pub(super) fn command_line(command: &Command) -> Result<String> {
    let body = serde_json::to_string(command)?;
    match command {
        Command::AskModel { messages, tools, .. } => {
            let hash = atomic::sha256(&serde_json::to_vec(&(messages, tools))?);
            Ok(format!("{{\"command\":{body},\"prompt_sha256\":\"{hash}\"}}"))
        }
        _ => Ok(format!("{{\"command\":{body}}}")),
    }
}
