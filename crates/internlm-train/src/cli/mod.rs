//! Command line of the `internlm-train` binary; one file per verb.

mod bench;
mod eval;
mod export;
mod memory;
mod plan;
mod train;

use clap::{Parser, Subcommand};

/// Pre-train models of the InternLM2 family: token shards to a checkpoint.
#[derive(Debug, Parser)]
#[command(name = "internlm-train", version, about)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Pre-train a model; resumes an interrupted run by itself.
    Train(train::Train),
    /// Evaluate a model on shards: loss, perplexity and bits per byte.
    Eval(eval::Eval),
    /// Write a checkpoint as a Hugging Face folder.
    Export(export::Export),
    /// Show parameters, memory and FLOPs of a config before anything is allocated.
    Plan(plan::Plan),
    /// Measure tokens per second of whole training steps at fixed shapes.
    Bench(bench::Bench),
    /// Measure the peak memory of a GPU in training steps and prefills, and compare it with the plan.
    Memory(memory::Memory),
}

/// Runs the verb of the command line.
///
/// # Errors
/// Whatever the verb could not do.
pub fn run() -> anyhow::Result<()> {
    match Cli::parse().verb {
        Verb::Train(verb) => verb.run(),
        Verb::Eval(verb) => verb.run(),
        Verb::Export(verb) => verb.run(),
        Verb::Plan(verb) => verb.run(),
        Verb::Bench(verb) => verb.run(),
        Verb::Memory(verb) => verb.run(),
    }
}
