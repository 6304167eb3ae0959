//! The `xtuner` binary.

fn main() -> std::process::ExitCode {
    internlm_kit::exit::main::<xtuner::Error, _>(xtuner::cli::run)
}
