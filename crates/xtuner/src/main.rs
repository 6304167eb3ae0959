//! The `xtuner` binary: logging, the chosen verb, the exit code.

use std::process::ExitCode;

use internlm_kit::exit::{self, Failure};
use xtuner::cli;

fn main() -> ExitCode {
    internlm_kit::logging::init();
    match cli::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let failure = if cli::is_bad_input(&error) { Failure::BadInput } else { Failure::Failed };
            exit::report(error.as_ref(), failure)
        }
    }
}
