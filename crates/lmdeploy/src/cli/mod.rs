//! The command line: one file per verb.

#![allow(clippy::print_stdout, reason = "stdout is where a binary's data goes")]

mod api_server;
mod bench_serving;
mod chat;

use clap::{Parser, Subcommand};
use internlm_kit::config::ConfigError;
use internlm_kit::exit::Failure;

use crate::config::Backend;

/// Serve, chat with and measure language models.
#[derive(Debug, Parser)]
#[command(name = "lmdeploy", version, about)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Serve a model over HTTP.
    #[command(subcommand)]
    Serve(Serve),
    /// Chat with a model on the terminal.
    Chat(chat::ChatArguments),
    /// Measure.
    #[command(subcommand)]
    Bench(Bench),
}

#[derive(Debug, Subcommand)]
enum Serve {
    /// OpenAI-compatible server: chat completions, completions, models, health, metrics.
    #[command(name = "api_server")]
    ApiServer(api_server::ApiServerArguments),
}

#[derive(Debug, Subcommand)]
enum Bench {
    /// Load a server with streamed completions; times and tokens per second as JSON.
    Serving(bench_serving::ServingArguments),
}

/// Reads the process's arguments and does what they say.
///
/// # Errors
/// Whatever the verb failed with.
pub fn run() -> anyhow::Result<()> {
    match Arguments::parse().verb {
        Verb::Serve(Serve::ApiServer(arguments)) => api_server::run(arguments),
        Verb::Chat(arguments) => chat::run(&arguments),
        Verb::Bench(Bench::Serving(arguments)) => bench_serving::run(&arguments),
    }
}

/// Names of the backends on the command line; the last is upstream's name of `burn`.
const BACKENDS: [&str; 3] = ["turbomind", "burn", "pytorch"];

/// The backend of one of [`BACKENDS`].
fn backend(name: &str) -> Backend {
    if name == Backend::Turbomind.name() { Backend::Turbomind } else { Backend::Burn }
}

/// How the process ends with `error`.
#[must_use]
pub fn failure(error: &anyhow::Error) -> Failure {
    let bad_input = match error.downcast_ref::<crate::Error>() {
        Some(error) => error.is_bad_input(),
        None => error.is::<ConfigError>(),
    };
    if bad_input { Failure::BadInput } else { Failure::Failed }
}
