//! The `turbomind` binary.

use std::process::ExitCode;

use internlm_kit::exit;
use turbomind::cli;

fn main() -> ExitCode {
    internlm_kit::logging::init();
    match cli::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => exit::report(error.as_ref(), cli::failure(&error)),
    }
}
