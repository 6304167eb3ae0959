//! `cargo xtask cuda-check`: the types of device code, then its machine code.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use internlm_kit::exit::UsageError;

use super::functions;
use super::part::{Part, Places};
use crate::workspace;

/// Crates that carry the feature `cuda`.
const CRATES: [&str; 4] = ["internlm-model", "internlm-train", "xtuner", "lmdeploy"];

/// Options of `cargo xtask cuda-check`.
#[derive(Args, Debug, Default)]
#[command(after_help = "Examples:
  cargo xtask cuda-check                        types, then kernels if CUDA's compilers are there
  cargo xtask cuda-check --require              fail when they are not
  cargo xtask cuda-check --kernels attention    only kernels whose path contains a word, no types")]
pub(crate) struct CudaCheckArguments {
    /// Fail when CUDA's compilers are missing, instead of leaving the kernels out.
    #[arg(long)]
    require: bool,
    /// Compile only kernels whose path contains this, and skip the type check.
    #[arg(long, value_name = "WORDS")]
    kernels: Option<String>,
    /// Folder that `cargo xtask cuda-setup` was given.
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

/// Checks the types of all crates with the feature `cuda`, then the machine code of all kernels.
pub(crate) fn run(arguments: &CudaCheckArguments) -> Result<()> {
    if arguments.kernels.is_none() {
        types()?;
    }
    let places = Places::new(arguments.folder.as_deref())?;
    let missing = places.missing(Part::Cuda);
    let Some(first) = missing.first() else { return kernels(arguments, &places.folder(Part::Cuda)) };
    let message = format!(
        "kernels are not compiled for NVIDIA cards: {} is missing; `cargo xtask cuda-setup --only cuda` fetches it",
        first.display()
    );
    if arguments.require || arguments.kernels.is_some() {
        bail!(UsageError(message));
    }
    tracing::warn!("{message}");
    Ok(())
}

/// Type-checks device code without its toolchain: with `DOCS_RS` set, the build scripts of the CUDA
/// compiler layer return early, so everything is checked and nothing is linked.
fn types() -> Result<()> {
    let mut command = workspace::cargo();
    command.env("DOCS_RS", "1").args(["check", "--release"]);
    for name in CRATES {
        command.args(["--package", name]);
    }
    let features: Vec<String> = CRATES.iter().map(|name| format!("{name}/cuda")).collect();
    command.args(["--features", &features.join(",")]);
    workspace::run(&mut command)
}

/// Builds and runs `xtask/kernels`, a workspace of its own, with the versions of this one.
fn kernels(arguments: &CudaCheckArguments, cuda: &Path) -> Result<()> {
    let root = workspace::root();
    let differences = functions::differences(&root)?;
    if !differences.is_empty() {
        bail!("the list of kernels is not complete:\n{}", differences.join("\n"));
    }
    let folder = root.join("xtask/kernels");
    std::fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock"))
        .context("cannot copy Cargo.lock to xtask/kernels")?;
    let target = workspace::release_folder()?;
    let target = target.parent().context("the folder of release binaries has a parent")?;
    let mut command = workspace::cargo();
    command.current_dir(&folder).args(["run", "--release", "--quiet", "--package", "kernel-check"]);
    command.arg("--").arg("--cuda").arg(cuda).arg("--list").arg(root.join(functions::LIST));
    command.arg("--out").arg(target.join("kernels"));
    if let Some(words) = &arguments.kernels {
        command.args(["--only", words]);
    }
    // NVRTC is loaded by its name.
    command.env("LD_LIBRARY_PATH", library_path(&cuda.join("lib"))?);
    workspace::run(&mut command)
}

/// The folder in front of those that are searched already.
fn library_path(folder: &Path) -> Result<std::ffi::OsString> {
    let before = std::env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
    let others = std::env::split_paths(&before).filter(|path| !path.as_os_str().is_empty());
    Ok(std::env::join_paths(std::iter::once(folder.to_path_buf()).chain(others))?)
}
