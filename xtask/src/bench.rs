//! `cargo xtask bench`: one command per number in docs/performance.md.

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::{pipeline, workspace};

/// Options of `cargo xtask bench`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cargo xtask bench train
  cargo xtask bench train --python python3 --rounds 9")]
pub(crate) struct BenchArguments {
    /// Measure this.
    what: What,
    /// Run the peer's side with this Python, which has PyTorch; without it only our side runs.
    #[arg(long, value_name = "PYTHON")]
    python: Option<String>,
    /// Run this many interleaved rounds and print their medians.
    #[arg(long, default_value_t = 5)]
    rounds: u32,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum What {
    /// A full training step (forward, backward, clip, AdamW) on hidden 256, 4 layers, vocabulary 2,048,
    /// batch 8 x 256, interleaved with PyTorch eager.
    Train,
}

/// Builds the bench's programs and runs them.
pub(crate) fn run(arguments: &BenchArguments) -> Result<()> {
    match arguments.what {
        What::Train => train(arguments),
    }
}

fn train(arguments: &BenchArguments) -> Result<()> {
    pipeline::build()?;
    let binary = workspace::release_folder()?.join("internlm-train");
    let rounds = arguments.rounds.to_string();
    let Some(python) = &arguments.python else {
        return workspace::run(
            std::process::Command::new(binary).args(["bench", "--json", "--rounds", &rounds]),
        );
    };
    let script = workspace::root().join("crates/internlm-train/benches/pytorch_step.py");
    workspace::run(
        std::process::Command::new(python)
            .arg(script)
            .arg("--binary")
            .arg(binary)
            .args(["--rounds", &rounds]),
    )
}
