//! The command line: `opencompass RUN.toml` evaluates, verbs explain and list.

#![allow(clippy::print_stdout)] // stdout is the tables' and lists' place.

mod evaluate;
mod list_configs;
mod why;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Runs test sets against models and scores them.
#[derive(Debug, Parser)]
#[command(
    name = "opencompass",
    version,
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  opencompass recipes/tiny/5-evaluate.toml\n  \
                  opencompass run.toml --set model.base-url=http://127.0.0.1:23333 --datasets gsm8k 'ARC-*'\n  \
                  opencompass run.toml --dry-run\n  opencompass why runs/tiny/evaluate tiny arithmetic 7\n\n\
                  Exit codes: 0 all cells scored, 3 some items or cells failed, 2 bad input or usage, 1 other."
)]
struct Arguments {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    evaluate: evaluate::Arguments,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Evaluate a run file (what `opencompass RUN.toml` does).
    Run(evaluate::Arguments),
    /// Show prompt, output, extraction and score of a cell's items, or why there is no score.
    Why(why::Arguments),
    /// List datasets with their mode, evaluator and files.
    ListConfigs(list_configs::Arguments),
}

/// Parses the process's arguments and runs the verb.
///
/// # Errors
/// Whatever the verb's work fails with.
pub fn run() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    match arguments.verb {
        None => evaluate::run(&arguments.evaluate),
        Some(Verb::Run(arguments)) => evaluate::run(&arguments),
        Some(Verb::Why(arguments)) => why::run(&arguments),
        Some(Verb::ListConfigs(arguments)) => list_configs::run(&arguments),
    }
}
