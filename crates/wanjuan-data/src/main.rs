//! The `wanjuan-data` binary.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A page is many small allocations: with the system's allocator `extract` takes a tenth longer.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    internlm_kit::exit::main::<wanjuan_data::Error, _>(wanjuan_data::cli::run)
}
