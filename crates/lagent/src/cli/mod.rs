//! Command line of the `lagent` binary; one file per verb.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod chat;
mod replay;
mod run;
mod sandbox;
mod tools;

use clap::{Parser, Subcommand};

use crate::Error;

/// Agents and tools: answers questions by calling tools, in a loop that can be recorded and replayed.
#[derive(Debug, Parser)]
#[command(name = "lagent", version, about)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Asks an agent every question of a file and scores the answers; goes on where a killed run stopped.
    Run(run::Run),
    /// Talks with an agent on the terminal, showing its tool calls.
    Chat(chat::Chat),
    /// Lists and calls tools.
    #[command(subcommand)]
    Tools(tools::Tools),
    /// Replays a transcript and fails at the first differing byte.
    Replay(replay::Replay),
    /// Shows what the sandbox protects here, or runs a program in it.
    #[command(subcommand)]
    Sandbox(sandbox::Sandbox),
}

/// Runs the verb of the command line.
///
/// # Errors
/// Whatever the verb could not do.
pub fn run() -> anyhow::Result<()> {
    match Cli::parse().verb {
        Verb::Run(verb) => verb.run(),
        Verb::Chat(verb) => verb.run(),
        Verb::Tools(verb) => verb.run(),
        Verb::Replay(verb) => verb.run(),
        Verb::Sandbox(verb) => verb.run(),
    }
}

/// Whether `error` is the user's input (exit code 2) and not the work itself (exit code 1).
#[must_use]
pub fn is_bad_input(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Error>().is_some_and(Error::is_bad_input)
}

/// The runtime of the verbs that talk to a server.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}
