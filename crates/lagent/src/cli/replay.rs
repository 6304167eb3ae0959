//! `lagent replay`: checks that the recorded events still give the recorded commands.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use internlm_kit::exit::UsageError;
use internlm_kit::outln;

use super::loaded::Loaded;
use crate::action::{ToolSettings, Toolbox};
use crate::transcript::{check_tools, read_transcript, replay};

const EXAMPLES: &str = "Examples:
  lagent replay runs/tiny/agent/transcripts.jsonl
  lagent replay runs/tiny/agent/transcripts.jsonl --live-tools
  lagent replay transcripts.jsonl --live-tools --agent agent.toml

--live-tools makes every recorded call again, with all its effects, and shows the results that have changed.
Exit codes: 0 identical, 1 something differs, 2 bad input.";

/// Arguments of `lagent replay`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Replay {
    /// The transcript to replay, with any number of runs.
    transcript: PathBuf,
    /// Make the recorded calls again and compare their results.
    #[arg(long)]
    live_tools: bool,
    /// Take tools, folder, services and sandbox from this agent file or team file [default: built-in tools by the
    /// names in the transcript].
    #[arg(long, value_name = "FILE", requires = "live_tools")]
    agent: Option<PathBuf>,
}

impl Replay {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let done = replay(&self.transcript)?;
        outln!("{} runs, {} events, {} commands: identical", done.runs, done.events, done.commands)?;
        if !self.live_tools {
            return Ok(ExitCode::SUCCESS);
        }
        let checked = check_tools(&self.transcript, &self.tools()?)?;
        for changed in &checked.changed {
            outln!(
                "{}: line {}: {} {}",
                self.transcript.display(),
                changed.line,
                changed.name,
                changed.args
            )?;
            outln!("  recorded: {}\n  now: {}", changed.recorded, changed.now)?;
        }
        outln!("{} calls made again, {} results changed", checked.calls, checked.changed.len())?;
        Ok(if checked.changed.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
    }

    fn tools(&self) -> anyhow::Result<Toolbox> {
        if let Some(path) = &self.agent {
            return Ok(Loaded::open(Some(path), &[])?.tools);
        }
        // The tools of a toolkit are named `Toolkit.method`.
        let runs = read_transcript(&self.transcript)?;
        let names = runs.iter().flat_map(|run| &run.header.tools);
        let mut names: Vec<String> =
            names.map(|name| name.split('.').next().unwrap_or_default().to_owned()).collect();
        names.sort();
        names.dedup();
        let tools = Toolbox::with_tools(&names, &ToolSettings::default())?;
        match tools.first_unavailable() {
            None => Ok(tools),
            Some((name, reason)) => {
                Err(UsageError(format!("tool `{name}`: {reason}; --agent names a file with its settings"))
                    .into())
            }
        }
    }
}
