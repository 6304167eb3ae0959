//! The verbs, what they print to, and how the process ends.

use std::ffi::OsString;
use std::io::{ErrorKind, Write};

use clap::{Parser, Subcommand};
use internlm_kit::exit::Failure;

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
/// What the verb reports.
pub fn run() -> anyhow::Result<()> {
    match dispatch(&Arguments::parse(), &mut std::io::stdout().lock()) {
        // The reader of a pipe has seen enough (`| head`), which is a success.
        Err(error) if is_closed_pipe(&error) => Ok(()),
        ended => ended,
    }
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
        Verb::Inspect(arguments) => inspect::run(arguments, out),
        Verb::Generate(arguments) => generate::run(arguments, out),
        Verb::Perplexity(arguments) => perplexity::run(arguments, out),
        Verb::Bench(arguments) => bench::run(arguments, out),
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

/// The exit code that an error of [`run`] stands for.
#[must_use]
pub fn failure(error: &anyhow::Error) -> Failure {
    let bad_input = error.chain().any(|cause| {
        cause.is::<clap::Error>()
            || cause.downcast_ref::<crate::Error>().is_some_and(crate::Error::is_bad_input)
            || cause.downcast_ref::<internlm_model::Error>().is_some_and(internlm_model::Error::is_bad_input)
    });
    if bad_input { Failure::BadInput } else { Failure::Failed }
}

/// Writes a value as one line of JSON.
pub(super) fn write_json(value: &impl serde::Serialize, out: &mut dyn Write) -> anyhow::Result<()> {
    Ok(writeln!(out, "{}", serde_json::to_string(value)?)?)
}
