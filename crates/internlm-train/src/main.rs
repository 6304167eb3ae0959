//! The `internlm-train` binary.

fn main() -> std::process::ExitCode {
    internlm_kit::exit::main::<internlm_train::Error, _>(internlm_train::cli::run)
}
