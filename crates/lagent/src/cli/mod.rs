//! The command line of the `lagent` binary, one file per verb.

mod chat;
mod consent;
mod index;
mod keyboard;
mod loaded;
mod mcp;
mod openapi;
mod replay;
mod run;
mod sandbox;
mod screen;
mod serve;
mod template;
mod tool_notice;
mod tools;
mod transcript;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

const EXAMPLES: &str = "Examples:
  lagent chat recipes/tiny/6-agent.toml --set model.base-url=http://127.0.0.1:23333
  lagent run recipes/tiny/6-agent.toml --set model.base-url=http://127.0.0.1:23333
  lagent serve recipes/tiny/6-agent.toml --set model.base-url=http://127.0.0.1:23333
  lagent tools call Calculator '{\"expression\": \"12 * 34\"}'
  lagent replay runs/tiny/agent/transcripts.jsonl

Exit codes: 0 the work is done; 1 it failed; 2 bad input, bad usage, or a server or program that is not there;
130 interrupted twice. `sandbox exec` ends with the code of its program.";

/// Run agents that answer questions by calling tools, and record and replay what they do.
#[derive(Debug, Parser)]
#[command(name = "lagent", version, about, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Talk to an agent on the terminal and see its tool calls.
    Chat(chat::Chat),
    /// Ask an agent every question of a file and judge the answers; resume an interrupted run.
    Run(run::Run),
    /// Serve agents over HTTP.
    Serve(serve::Serve),
    /// List, describe or call the built-in tools.
    #[command(subcommand)]
    Tools(tools::Tools),
    /// Turn OpenAPI descriptions into tools.
    #[command(subcommand, name = "openapi")]
    OpenApi(openapi::OpenApi),
    /// Use the tools of MCP servers, or serve tools to MCP clients.
    #[command(subcommand)]
    Mcp(mcp::Mcp),
    /// Build and search a local index for the web tools.
    #[command(subcommand)]
    Index(index::Index),
    /// Replay a transcript and fail at the first differing byte.
    Replay(replay::Replay),
    /// Import, compare or export transcripts.
    #[command(subcommand)]
    Transcript(transcript::Transcript),
    /// Show what the sandbox protects on this machine, or run a program in it.
    #[command(subcommand)]
    Sandbox(sandbox::Sandbox),
    /// Show the prompt texts that have names.
    #[command(subcommand)]
    Template(template::Template),
}

/// Parses the command line, runs the verb and returns its exit code.
///
/// # Errors
/// The error of the verb, which the binary maps to an exit code.
pub fn run() -> anyhow::Result<ExitCode> {
    match Cli::parse().verb {
        Verb::Chat(verb) => return verb.run(),
        Verb::Run(verb) => verb.run()?,
        Verb::Serve(verb) => verb.run()?,
        Verb::Tools(verb) => verb.run()?,
        Verb::OpenApi(verb) => verb.run()?,
        Verb::Mcp(verb) => verb.run()?,
        Verb::Index(verb) => verb.run()?,
        Verb::Replay(verb) => return verb.run(),
        Verb::Transcript(verb) => return verb.run(),
        Verb::Sandbox(verb) => return verb.run(),
        Verb::Template(verb) => verb.run()?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Creates the runtime of the verbs that talk to a server.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}
