//! Workspace tasks as one plain binary, one file per verb: `cargo xtask <verb>`.

mod bench;
mod ci;
mod data;
mod pipeline;
mod plot;
mod report;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Tasks of the InternLM workspace.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", version, about, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run a recipe end to end: data, pre-train, fine-tune, deploy, evaluate, agent.
    Pipeline(pipeline::PipelineArguments),
    /// Run all tests of the workspace.
    Test(test::TestArguments),
    /// Everything that must hold before a change lands.
    Ci,
    /// Type-check the feature `cuda` of the crates that have it; needs no CUDA.
    CudaCheck,
    /// Check the house rules: arrows, budgets, documentation, placement, TOML files.
    Tidy,
    /// Measure: `train`, the training step beside PyTorch.
    Bench(bench::BenchArguments),
    /// Datasets: `verify` the files of datasets-manifest by sha256.
    Data(data::DataArguments),
}

fn main() -> ExitCode {
    internlm_kit::logging::init();
    let result = match Arguments::parse().verb {
        Verb::Pipeline(arguments) => pipeline::run(&arguments),
        Verb::Test(arguments) => test::run(&arguments),
        Verb::Ci => ci::run(),
        Verb::CudaCheck => ci::cuda_check(),
        Verb::Tidy => tidy::run(),
        Verb::Bench(arguments) => bench::run(&arguments),
        Verb::Data(arguments) => data::run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let failure = if error.is::<workspace::BadInput>() {
                internlm_kit::exit::Failure::BadInput
            } else {
                internlm_kit::exit::Failure::Failed
            };
            internlm_kit::exit::report(error.as_ref(), failure)
        }
    }
}
