//! Command line of the `xtuner` binary; one file per verb.

mod chat;
mod check_dataset;
mod convert;
mod copy_cfg;
mod encoded;
mod eval_rm;
mod generate;
mod launcher;
mod list_cfg;
mod list_dataset_format;
mod log_dataset;
mod plan;
mod preprocess;
mod rollout;
mod test;
mod train;

use clap::{Parser, Subcommand};

/// Fine-tune models of the InternLM2 family: conversations, comparisons or rewards to a tuned model or an adapter.
#[derive(Debug, Parser)]
#[command(name = "xtuner", version, about)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List the ready configurations.
    ListCfg(list_cfg::ListCfg),
    /// Copy a ready configuration into a file, with every key and what it means.
    CopyCfg(copy_cfg::CopyCfg),
    /// Train a model as a config says; resumes an interrupted run by itself.
    Train(Box<train::Train>),
    /// Measure a tuned model or a checkpoint: loss, answers, and exact calls of the calculator on held-out questions.
    Test(test::Test),
    /// Chat with a model and its adapter, or with a server.
    Chat(Box<chat::Chat>),
    /// Convert a checkpoint, an adapter or a tuned model to another form.
    Convert(convert::Convert),
    /// Estimate the memory of a run before anything is allocated.
    Plan(plan::Plan),
    /// Show what a model reads and learns: sample texts with the learned part marked, and counts.
    #[command(alias = "check-custom-dataset")]
    CheckDataset(check_dataset::CheckDataset),
    /// Show encoded samples: text, text with masks, ids, labels.
    LogDataset(log_dataset::LogDataset),
    /// List the formats that training sets may have.
    ListDatasetFormat(list_dataset_format::ListDatasetFormat),
    /// Convert training sets between formats, and comparisons to one form.
    Preprocess(preprocess::Preprocess),
    /// Measure how often a reward model prefers the chosen answer, by domain.
    EvalRm(eval_rm::EvalRm),
    /// Sample and score answers of a model, export pairs for labeling, and merge labels into preference data.
    Rollout(rollout::Rollout),
    /// Write the conversations and held-out questions of the tiny recipe.
    Generate(generate::Generate),
}

/// Runs the verb of the command line.
///
/// # Errors
/// Whatever the verb could not do.
pub fn run() -> anyhow::Result<()> {
    match Cli::parse().verb {
        Verb::ListCfg(verb) => verb.run(),
        Verb::CopyCfg(verb) => verb.run(),
        Verb::Train(verb) => verb.run(),
        Verb::Test(verb) => verb.run(),
        Verb::Chat(verb) => verb.run(),
        Verb::Convert(verb) => verb.run(),
        Verb::Plan(verb) => verb.run(),
        Verb::CheckDataset(verb) => verb.run(),
        Verb::LogDataset(verb) => verb.run(),
        Verb::ListDatasetFormat(verb) => verb.run(),
        Verb::Preprocess(verb) => verb.run(),
        Verb::EvalRm(verb) => verb.run(),
        Verb::Rollout(verb) => verb.run(),
        Verb::Generate(verb) => verb.run(),
    }
}
