//! Command line of the `xtuner` binary; one file per verb.

mod check_dataset;
mod convert;
mod generate;
mod test;
mod train;

use clap::{Parser, Subcommand};

/// Fine-tune models of the InternLM2 family: conversations to a tuned model or an adapter.
#[derive(Debug, Parser)]
#[command(name = "xtuner", version, about)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Write the conversations and held-out questions of the tiny recipe.
    Generate(generate::Generate),
    /// Fine-tune a model; resumes an interrupted run by itself.
    Train(train::Train),
    /// Measure how often a tuned model calls the calculator and answers exactly, on held-out questions.
    Test(test::Test),
    /// Convert a tuned model to another form.
    Convert(convert::Convert),
    /// Show what a model reads and learns: sample texts with the learned part marked, and counts.
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
