//! The `turbomind` binary.

fn main() -> std::process::ExitCode {
    internlm_kit::exit::main::<turbomind::Error, _>(turbomind::cli::run)
}
