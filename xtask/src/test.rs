//! `cargo xtask test`: every test of the workspace, in the one profile that everything uses.

use anyhow::Result;
use clap::Args;

use crate::workspace;

/// Options of `cargo xtask test`.
#[derive(Args, Debug, Default)]
pub(crate) struct TestArguments {
    /// Passed on to `cargo test`, for instance `-p lmdeploy` or a test's name.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

/// Runs `cargo test --release`, over the workspace unless packages are named.
pub(crate) fn run(arguments: &TestArguments) -> Result<()> {
    let mut command = workspace::cargo();
    command.args(["test", "--release"]);
    let names_package = arguments.rest.iter().any(|word| word == "-p" || word.starts_with("--package"));
    if !names_package {
        command.arg("--workspace");
    }
    command.args(&arguments.rest);
    workspace::run(&mut command)
}
