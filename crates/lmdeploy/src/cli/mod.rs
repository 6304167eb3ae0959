//! The command line: one file per verb.

mod api_server;
mod bench_generation;
mod bench_serving;
mod chat;
mod engine_options;
mod file_limit;
mod options;
mod server_options;
mod upstream;

use clap::{Parser, Subcommand};

const SERVE_EXAMPLES: &str = "Examples:
  lmdeploy serve api_server runs/tiny/finetune/hf --model-name tiny";
const BENCH_EXAMPLES: &str = "Examples:
  lmdeploy bench serving --url http://127.0.0.1:23333
  lmdeploy bench generation model --device cuda:0 --decode 64x1024";
const EXAMPLES: &str = "Examples:
  lmdeploy serve api_server runs/tiny/finetune/hf --model-name tiny
  lmdeploy chat runs/tiny/finetune/hf
  lmdeploy bench serving --url http://127.0.0.1:23333";

/// Serve language models, chat with them and measure servers
#[derive(Debug, Parser)]
#[command(name = "lmdeploy", version, after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Serve a model over HTTP
    #[command(subcommand, after_help = SERVE_EXAMPLES)]
    Serve(Serve),
    /// Chat with a model on the terminal or through pipes
    Chat(chat::ChatArguments),
    /// Measure how fast a model is served
    #[command(subcommand, after_help = BENCH_EXAMPLES)]
    Bench(Bench),
}

#[derive(Debug, Subcommand)]
enum Serve {
    /// Serve the APIs of OpenAI and Anthropic, with metrics and a page of documentation
    #[command(name = "api_server")]
    ApiServer(Box<api_server::ApiServerArguments>),
}

#[derive(Debug, Subcommand)]
enum Bench {
    /// Load a server with streamed completions and report times and tokens per second
    Serving(bench_serving::ServingArguments),
    /// Measure prompts and decode steps of the executor alone, without scheduler and HTTP
    Generation(bench_generation::GenerationArguments),
}

/// Runs the verb that the process's arguments name.
///
/// # Errors
/// Whatever the verb fails with.
pub fn run() -> anyhow::Result<()> {
    match Arguments::parse().verb {
        Verb::Serve(Serve::ApiServer(arguments)) => api_server::run(&arguments),
        Verb::Chat(arguments) => chat::run(&arguments),
        Verb::Bench(Bench::Serving(arguments)) => bench_serving::run(&arguments),
        Verb::Bench(Bench::Generation(arguments)) => bench_generation::run(arguments),
    }
}
