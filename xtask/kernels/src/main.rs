//! `kernel-check`: compiles every GPU kernel that the crates launch for NVIDIA cards and checks what comes out.

mod check;
mod kernel_list;
mod ptxas;
mod sass;
mod table;
mod toolchain;
mod workloads;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use internlm_kit::exit::UsageError;

/// Check the machine code of every GPU kernel that the crates launch: registers, spills, shared memory, instructions.
#[derive(Debug, Parser)]
#[command(name = "kernel-check", after_help = "Example:\n  cargo xtask cuda-check")]
struct Arguments {
    /// Folder with `bin/ptxas`, `bin/nvdisasm`, `lib/libnvrtc.so.13` and `include`.
    #[arg(long, value_name = "FOLDER")]
    cuda: PathBuf,
    /// File that lists the kernels with their limits.
    #[arg(long, value_name = "FILE")]
    list: PathBuf,
    /// Keep the text, the PTX, the binary and the instructions of every kernel in this folder.
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// Compile only kernels whose path contains this; what is not launched is then not reported.
    #[arg(long, value_name = "WORDS")]
    only: Option<String>,
}

fn main() -> ExitCode {
    internlm_kit::exit::main::<UsageError, _>(run)
}

fn run() -> Result<()> {
    let arguments = Arguments::parse();
    let list = kernel_list::KernelList::load(&arguments.list)?;
    let toolchain = toolchain::Toolchain::new(&arguments.cuda, &arguments.out)?;
    check::run(&list, &toolchain, arguments.only.as_deref())
}
