//! The `internlm-model` binary: the verb of the command line, its errors and exit code.

fn main() -> std::process::ExitCode {
    internlm_kit::exit::main::<internlm_model::Error, _>(internlm_model::cli::run)
}
