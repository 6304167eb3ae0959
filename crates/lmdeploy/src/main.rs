//! The `lmdeploy` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    internlm_kit::logging::init();
    match lmdeploy::cli::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => internlm_kit::exit::report(error.as_ref(), lmdeploy::cli::failure(&error)),
    }
}
