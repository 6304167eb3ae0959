//! Workspace tasks as one plain binary, one file per verb: `cargo xtask <verb>`.

mod bench;
mod bundle;
mod ci;
mod cuda;
mod data;
mod docs;
mod loc;
mod numbers;
mod pipeline;
mod plot;
mod report;
mod rust;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use internlm_kit::exit::UsageError;

/// Run the tasks of the InternLM workspace.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version, arg_required_else_help = true)]
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
    /// Check everything that must hold before a change lands.
    #[command(after_help = "Example:\n  cargo xtask ci")]
    Ci,
    /// Fetch what building and checking device code for NVIDIA cards needs: CUDA's compilers, and LLVM.
    CudaSetup(cuda::CudaSetupArguments),
    /// Check device code for NVIDIA cards without one: its types, and the machine code of every kernel.
    CudaCheck(cuda::CudaCheckArguments),
    /// Build a folder with all that a machine with a card needs to run goldens, kernel tests and benchmarks.
    DeviceBundle(bundle::DeviceBundleArguments),
    /// Print the report of a device bundle as tables.
    DeviceReport(bundle::DeviceReportArguments),
    /// Build and run examples/outside, which use the crates as another project would.
    #[command(after_help = "Example:\n  cargo xtask outside")]
    Outside,
    /// Build the packages that `cargo publish` would upload, without uploading them.
    #[command(after_help = "Example:\n  cargo xtask package")]
    Package,
    /// Check that no library links a progress bar, a terminal or a command line without the feature `cli`.
    #[command(after_help = "Example:\n  cargo xtask light")]
    Light,
    /// Check the house rules: arrows, circles, sizes, places, documentation, prose, dependencies.
    Tidy(tidy::TidyArguments),
    /// Write the generated parts of the documentation, or check them.
    Docs(docs::DocsArguments),
    /// Print the sizes and shapes of the crates as a table.
    Loc(loc::LocArguments),
    /// Measure the training step next to PyTorch.
    Bench(bench::BenchArguments),
    /// Verify the dataset files that the tests use.
    Data(data::DataArguments),
}

fn main() -> ExitCode {
    internlm_kit::exit::main::<UsageError, _>(run)
}

fn run() -> anyhow::Result<()> {
    match Arguments::parse().verb {
        Verb::Pipeline(arguments) => pipeline::run(&arguments),
        Verb::Test(arguments) => test::run(&arguments),
        Verb::Ci => ci::run(),
        Verb::CudaSetup(arguments) => cuda::setup(&arguments),
        Verb::CudaCheck(arguments) => cuda::check(&arguments),
        Verb::DeviceBundle(arguments) => bundle::bundle(&arguments),
        Verb::DeviceReport(arguments) => bundle::report(&arguments),
        Verb::Outside => ci::outside(),
        Verb::Package => ci::package(),
        Verb::Light => ci::light(),
        Verb::Tidy(arguments) => tidy::run(&arguments),
        Verb::Docs(arguments) => docs::run(&arguments),
        Verb::Loc(arguments) => loc::run(&arguments),
        Verb::Bench(arguments) => bench::run(&arguments),
        Verb::Data(arguments) => data::run(&arguments),
    }
}
