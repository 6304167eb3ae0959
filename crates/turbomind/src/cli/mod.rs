//! The command line: one file per verb.

mod bench;
mod generate;
mod ids;
mod inspect;
mod options;
mod perplexity;
mod process;
mod sequence;
mod traffic;

use std::ffi::OsString;
use std::io::{ErrorKind, Write};

use clap::{Parser, Subcommand};
use internlm_kit::exit::Failure;

/// CPU inference core for language models: measure it, generate, score a text, look into a model.
#[derive(Debug, Parser)]
#[command(
    name = "turbomind",
    version,
    after_help = "Examples:
  turbomind inspect --model model.gguf
  turbomind generate --model model.gguf --prompt 'Rust is' --n 32
  turbomind bench --model model.gguf --threads 2 --prompt 512 --gen 128 --json"
)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Bench(bench::BenchArguments),
    Generate(generate::GenerateArguments),
    Perplexity(perplexity::PerplexityArguments),
    Inspect(inspect::InspectArguments),
}

/// Does what the process's command line says; clap answers `--help` and usage errors by itself.
///
/// # Errors
/// What the verb reports.
pub fn run() -> anyhow::Result<()> {
    print(&answer(&Arguments::parse())?)
}

/// What a command line, the binary's name first, gives on stdout.
///
/// # Errors
/// Usage errors and what the verb reports.
pub fn run_from(arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> anyhow::Result<String> {
    answer(&Arguments::try_parse_from(arguments)?)
}

fn answer(arguments: &Arguments) -> anyhow::Result<String> {
    match &arguments.verb {
        Verb::Bench(arguments) => bench::run(arguments),
        Verb::Generate(arguments) => generate::run(arguments),
        Verb::Perplexity(arguments) => perplexity::run(arguments),
        Verb::Inspect(arguments) => inspect::run(arguments),
    }
}

/// How the process ends with `error`.
#[must_use]
pub fn failure(error: &anyhow::Error) -> Failure {
    let bad_input = error.chain().any(|cause| {
        cause.is::<clap::Error>()
            || cause.downcast_ref::<crate::Error>().is_some_and(crate::Error::is_bad_input)
            || cause.downcast_ref::<internlm_model::Error>().is_some_and(internlm_model::Error::is_bad_input)
    });
    if bad_input { Failure::BadInput } else { Failure::Failed }
}

/// Writes a verb's data to stdout. A reader that has seen enough (`| head`) is no error.
fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// A value as one line of JSON.
fn json(value: &impl serde::Serialize) -> anyhow::Result<String> {
    Ok(serde_json::to_string(value)? + "\n")
}
