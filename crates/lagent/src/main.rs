//! The `lagent` binary.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A server that had a thousand sessions gives their memory back; the system's allocator keeps it.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    internlm_kit::exit::main::<lagent::Error, _>(lagent::cli::run)
}
