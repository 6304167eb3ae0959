//! The `lmdeploy` binary.

fn main() -> std::process::ExitCode {
    internlm_kit::exit::main::<lmdeploy::Error, _>(lmdeploy::cli::run)
}
