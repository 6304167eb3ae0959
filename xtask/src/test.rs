//! `cargo xtask test`: every test of the workspace, in the one profile that everything uses.

use std::process::Command;

use anyhow::Result;
use clap::Args;

use crate::workspace;

/// Options of `cargo xtask test`.
#[derive(Args, Debug, Default)]
#[command(after_help = "Examples:
  cargo xtask test                  all tests
  cargo xtask test -p lmdeploy      the tests of one crate
  cargo xtask test -p xtask tidy    the tests of one crate whose names hold a word")]
pub(crate) struct TestArguments {
    /// Pass these words on to `cargo test`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

/// Runs `cargo test --release`, over the workspace unless packages are named.
pub(crate) fn run(arguments: &TestArguments) -> Result<()> {
    workspace::run(&mut command(arguments))
}

/// The command that [`run`] starts.
pub(crate) fn command(arguments: &TestArguments) -> Command {
    let mut command = workspace::cargo();
    command.args(["test", "--release"]);
    let names_package = arguments.rest.iter().any(|word| word == "-p" || word.starts_with("--package"));
    if !names_package {
        command.arg("--workspace");
    }
    command.args(&arguments.rest);
    command
}
