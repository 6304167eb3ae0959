//! The `opencompass` binary.

fn main() -> std::process::ExitCode {
    internlm_kit::exit::main::<opencompass::Error, _>(opencompass::cli::run)
}
