//! `lagent replay`: checks that the recorded events still give the recorded commands.

use std::path::PathBuf;

use clap::Args;
use internlm_kit::outln;

const EXAMPLES: &str = "Example:
  lagent replay runs/tiny/agent/transcripts.jsonl";

/// Arguments of `lagent replay`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Replay {
    /// The transcript to replay, with any number of runs.
    transcript: PathBuf,
}

impl Replay {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let done = crate::transcript::replay(&self.transcript)?;
        outln!("{} runs, {} events, {} commands: identical", done.runs, done.events, done.commands)?;
        Ok(())
    }
}
