//! The command line: `opencompass RUN.toml` evaluates, the verbs explain and list.

mod evaluate;
mod list_configs;
mod why;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Evaluate language models on test sets, and explain every score.
#[derive(Debug, Parser)]
#[command(
    name = "opencompass",
    version,
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  opencompass recipes/tiny/5-evaluate.toml\n  \
                  opencompass run.toml --set model.base-url=http://127.0.0.1:23333 --datasets gsm8k 'ARC-*'\n  \
                  opencompass run.toml --dry-run\n  opencompass why runs/tiny/evaluate tiny arithmetic 7\n\n\
                  Exit codes: 0 all cells scored, 1 the work failed, 2 bad input, bad usage or a server that cannot be \
                  reached, 3 some items or cells failed."
)]
struct Arguments {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    evaluate: evaluate::Arguments,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Evaluate the models of a run file on its datasets; the same as `opencompass RUN.toml`.
    Run(evaluate::Arguments),
    /// Explain a score: show prompt, output, extraction and verdict of items, or why there is no score.
    Why(why::Arguments),
    /// List the known datasets with their mode, evaluator and origin.
    ListConfigs(list_configs::Arguments),
}

/// Parses the command line and runs the verb.
///
/// # Errors
/// The error of the verb, which the caller maps to an exit code.
pub fn run() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    match arguments.verb {
        None => evaluate::run(&arguments.evaluate),
        Some(Verb::Run(arguments)) => evaluate::run(&arguments),
        Some(Verb::Why(arguments)) => why::run(&arguments),
        Some(Verb::ListConfigs(arguments)) => list_configs::run(&arguments),
    }
}
