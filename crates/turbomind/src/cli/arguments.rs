//! The verbs, and where they print.

use std::ffi::OsString;
use std::io::Write;

use clap::{Parser, Subcommand};
use internlm_kit::stdout;

use super::{bench, generate, inspect, perplexity};

/// Run language models on the CPU: look into a model, continue a prompt, score a text, measure
#[derive(Debug, Parser)]
#[command(
    name = "turbomind",
    version,
    after_help = "Examples:
  turbomind inspect model.gguf
  turbomind generate model.gguf --prompt 'Rust is' --max-tokens 32
  turbomind perplexity model.gguf --text book.txt
  turbomind bench model.gguf --prompt-tokens 512 --gen-tokens 128 --json"
)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Inspect(inspect::InspectArguments),
    Generate(generate::GenerateArguments),
    Perplexity(perplexity::PerplexityArguments),
    Bench(bench::BenchArguments),
}

/// Does what the process's command line says; clap answers `--help` and usage errors by itself.
///
/// # Errors
/// What the verb reports, and [`ClosedPipe`](internlm_kit::file::ClosedPipe) when the reader of stdout has gone.
pub fn run() -> anyhow::Result<()> {
    dispatch(&Arguments::parse(), &mut stdout::lock())
}

/// Does what a command line says, the binary's name first, and writes to `out` instead of stdout.
///
/// # Errors
/// Usage errors and what the verb reports.
pub fn run_from(
    arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    dispatch(&Arguments::try_parse_from(arguments)?, out)
}

fn dispatch(arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<()> {
    match &arguments.verb {
        Verb::Inspect(arguments) => inspect::run(arguments, out)?,
        Verb::Generate(arguments) => generate::run(arguments, out)?,
        Verb::Perplexity(arguments) => perplexity::run(arguments, out)?,
        Verb::Bench(arguments) => bench::run(arguments, out)?,
    }
    Ok(out.flush()?)
}
