//! Command line of the `xtuner` binary; one file per verb.
#![allow(clippy::print_stdout)]

mod check_dataset;
mod convert;
mod generate;
mod test;
mod train;

use clap::{Parser, Subcommand};

use crate::Error;

/// Fine-tuning of InternLM2-family models: conversations to a tuned model or an adapter.
#[derive(Debug, Parser)]
#[command(name = "xtuner", version, about)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Writes the conversations and held-out questions of the tiny recipe.
    Generate(generate::Generate),
    /// Fine-tunes a model; continues by itself where a killed run stopped.
    Train(train::Train),
    /// Exact calculator calls and answers of the tuned model on held-out questions.
    Test(test::Test),
    /// Conversions between forms of a tuned model.
    Convert(convert::Convert),
    /// Shows what the model will read and learn, with the part of the loss marked.
    #[command(alias = "check-custom-dataset")]
    CheckDataset(check_dataset::CheckDataset),
}

/// Runs the verb of the command line.
///
/// # Errors
/// Whatever the verb could not do.
pub fn run() -> anyhow::Result<()> {
    match Cli::parse().verb {
        Verb::Generate(verb) => verb.run(),
        Verb::Train(verb) => verb.run(),
        Verb::Test(verb) => verb.run(),
        Verb::Convert(verb) => verb.run(),
        Verb::CheckDataset(verb) => verb.run(),
    }
}

/// Whether `error` is the user's input (exit code 2) and not the work itself (exit code 1).
#[must_use]
pub fn is_bad_input(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Error>().is_some_and(Error::is_bad_input)
}
