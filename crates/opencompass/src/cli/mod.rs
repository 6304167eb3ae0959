//! The command line: `opencompass RUN.toml` evaluates, the verbs explain and list.

mod aligned;
mod ask;
mod case_analyzer;
mod contamination;
mod custom;
mod data;
mod diff;
mod evaluate;
mod first_word;
mod import;
mod list_configs;
mod models;
mod needle;
mod outcome;
mod prediction_merger;
mod prompt_viewer;
mod serve_report;
mod settings;
mod slurm;
mod test_api_model;
mod timestamp;
mod viz_multi_model;
mod why;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

/// Evaluate language models on test sets, and explain every score.
#[derive(Debug, Parser)]
#[command(
    name = "opencompass",
    version,
    args_conflicts_with_subcommands = true,
    arg_required_else_help = true,
    after_help = "Examples:\n  opencompass recipes/tiny/5-evaluate.toml\n  \
                  opencompass run.toml --set model.base-url=http://127.0.0.1:23333 --datasets gsm8k 'ARC-*'\n  \
                  opencompass --models model.gguf --datasets gsm8k --data-dirs data --max-rows 100\n  \
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
    /// Explain a score: show prompt, output, extraction, evidence and verdict of items, or why there is no score.
    Why(why::Arguments),
    /// List the known datasets with their mode, evaluator, group and origin.
    ListConfigs(list_configs::Arguments),
    /// Read OpenCompass' Python configurations and write them as dataset files.
    Import(import::Arguments),
    /// Show the prompts of a run without asking anything.
    PromptViewer(prompt_viewer::Arguments),
    /// Collect the wrong items of a run with their prompts into files.
    CaseAnalyzer(case_analyzer::Arguments),
    /// Compare two runs: differences with p-values, and the items that were gained and lost.
    Diff(diff::Arguments),
    /// Show the tables of several runs side by side and count the wins of each model.
    VizMultiModel(viz_multi_model::Arguments),
    /// Join the prediction files of parts.
    PredictionMerger(prediction_merger::Arguments),
    /// Send one question to a model, before a long run does.
    TestApiModel(test_api_model::Arguments),
    /// List, check and collect the data files of the test sets.
    Data(data::Arguments),
    /// Find the items of test sets in a training corpus, and split scores accordingly.
    Contamination(contamination::Arguments),
    /// Make the rows of a needle set from texts of your own.
    Needle(needle::Arguments),
    /// Show the report of a run to a browser on another machine.
    ServeReport(serve_report::Arguments),
}

/// Parses the command line and runs the verb.
///
/// # Errors
/// The error of the verb, which the caller maps to an exit code.
pub fn run() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    match arguments.verb {
        None => {
            first_word::check(arguments.evaluate.settings.run_file(), &Arguments::command())?;
            evaluate::run(&arguments.evaluate)
        }
        Some(Verb::Run(arguments)) => evaluate::run(&arguments),
        Some(Verb::Why(arguments)) => why::run(&arguments),
        Some(Verb::ListConfigs(arguments)) => list_configs::run(&arguments),
        Some(Verb::PromptViewer(arguments)) => prompt_viewer::run(&arguments),
        Some(Verb::CaseAnalyzer(arguments)) => case_analyzer::run(&arguments),
        Some(Verb::Diff(arguments)) => diff::run(&arguments),
        Some(Verb::Import(arguments)) => import::run(&arguments),
        Some(Verb::VizMultiModel(arguments)) => viz_multi_model::run(&arguments),
        Some(Verb::PredictionMerger(arguments)) => prediction_merger::run(&arguments),
        Some(Verb::TestApiModel(arguments)) => test_api_model::run(&arguments),
        Some(Verb::Data(arguments)) => data::run(&arguments),
        Some(Verb::Contamination(arguments)) => contamination::run(&arguments),
        Some(Verb::Needle(arguments)) => needle::run(&arguments),
        Some(Verb::ServeReport(arguments)) => serve_report::run(&arguments),
    }
}
