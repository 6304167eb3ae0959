//! The binary `opencompass`.

use std::process::ExitCode;

fn main() -> ExitCode {
    internlm_kit::logging::init();
    match opencompass::cli::run() {
        Ok(code) => code,
        Err(error) => {
            let bad_input =
                error.downcast_ref::<opencompass::Error>().is_some_and(opencompass::Error::is_bad_input);
            let failure = if bad_input {
                internlm_kit::exit::Failure::BadInput
            } else {
                internlm_kit::exit::Failure::Failed
            };
            internlm_kit::exit::report(error.as_ref(), failure)
        }
    }
}
