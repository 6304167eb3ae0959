//! Choosing the verb.

use std::ffi::OsString;

use clap::{Parser, Subcommand};

/// Inspect, tokenize, score, generate with and convert models of the InternLM2 family
#[derive(Debug, Parser)]
#[command(
    name = "internlm-model",
    version,
    after_help = "Examples:
  internlm-model inspect runs/tiny/pretrain/hf
  internlm-model generate runs/tiny/pretrain/hf --prompt 'Rust is' --max-tokens 64"
)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Inspect(super::inspect::InspectArgs),
    Tokenize(super::tokenize::TokenizeArgs),
    Template(super::template::TemplateArgs),
    /// Convert a model into another form
    ///
    /// Reads Hugging Face folders, InternEvo checkpoints and GGUF files; writes Hugging Face InternLM2, Hugging Face
    /// LLaMA or InternEvo. The bytes of tensors are kept, so that a conversion there and back gives the same files.
    /// Quantized tensors (GGUF, AWQ, GPTQ, compressed-tensors) become f32.
    Convert(Box<super::convert::ConvertArgs>),
    #[cfg(feature = "burn")]
    Logits(super::logits::LogitsArgs),
    #[cfg(feature = "burn")]
    Generate(super::generate::GenerateArgs),
}

/// Runs the verb of the process's command line; clap answers `--help` and usage errors by itself.
///
/// # Errors
/// What the verb reports.
pub fn run() -> anyhow::Result<()> {
    dispatch(Cli::parse())
}

/// Runs the verb of a given command line, the binary's name first.
///
/// # Errors
/// Usage errors and what the verb reports.
pub fn run_from(arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> anyhow::Result<()> {
    dispatch(Cli::try_parse_from(arguments)?)
}

fn dispatch(cli: Cli) -> anyhow::Result<()> {
    match &cli.verb {
        Verb::Inspect(args) => super::inspect::run(args),
        Verb::Tokenize(args) => super::tokenize::run(args),
        Verb::Template(args) => super::template::run(args),
        Verb::Convert(args) => super::convert::run(args),
        #[cfg(feature = "burn")]
        Verb::Logits(args) => super::logits::run(args),
        #[cfg(feature = "burn")]
        Verb::Generate(args) => super::generate::run(args),
    }
}
