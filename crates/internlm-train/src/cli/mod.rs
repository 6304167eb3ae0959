//! Command line of the `internlm-train` binary; one file per verb.
#![allow(clippy::print_stdout)]

mod bench;
mod eval;
mod export;
mod plan;
mod train;

use clap::{Parser, Subcommand};

use crate::Error;

/// Pre-training of InternLM2-family models: token shards to a checkpoint.
#[derive(Debug, Parser)]
#[command(name = "internlm-train", version, about)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Pre-trains a model; continues by itself where a killed run stopped.
    Train(train::Train),
    /// Loss and bits per byte of a model on shards.
    Eval(eval::Eval),
    /// Writes a checkpoint as a Hugging Face folder.
    Export(export::Export),
    /// Parameters, memory and FLOPs of a config before anything is allocated.
    Plan(plan::Plan),
    /// Tokens per second of whole training steps at fixed shapes.
    Bench(bench::Bench),
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
    }
}

/// Whether `error` is the user's input (exit code 2) and not the work itself (exit code 1).
#[must_use]
pub fn is_bad_input(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Error>().is_some_and(Error::is_bad_input)
}
