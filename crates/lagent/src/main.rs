//! The `lagent` binary.

fn main() -> std::process::ExitCode {
    internlm_kit::exit::main::<lagent::Error, _>(lagent::cli::run)
}
