//! `lagent replay`: does a transcript still happen the same way?

use std::path::PathBuf;

use clap::Args;

const EXAMPLES: &str = "Example:
  lagent replay runs/tiny/agent/transcripts.jsonl";

/// Arguments of `lagent replay`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Replay {
    /// A transcript of any number of runs.
    transcript: PathBuf,
}

impl Replay {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let done = crate::transcript::replay(&self.transcript)?;
        println!("{} runs, {} events, {} commands: identical", done.runs, done.events, done.commands);
        Ok(())
    }
}
