//! `cargo xtask cuda-setup`: fetches what building and checking device code needs, without a package manager and
//! without root.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;
use internlm_kit::exit::UsageError;
use internlm_kit::outln;

use super::part::{Part, Places};
use super::{llvm, wheels};

/// Options of `cargo xtask cuda-setup`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cargo xtask cuda-setup                fetch what is missing, print the variables to set
  cargo xtask cuda-setup --check        say what is missing
  cargo xtask cuda-setup --only cuda    fetch what `cargo xtask cuda-check` needs")]
pub(crate) struct CudaSetupArguments {
    /// Fetch nothing: name what is missing, with exit code 1 when something is.
    #[arg(long)]
    check: bool,
    /// Fetch this part only.
    #[arg(long, value_name = "PART")]
    only: Option<Part>,
    /// Keep everything below this folder. Default: XDG_DATA_HOME, or else ~/.local/share, where builds look for LLVM.
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Take the wheels from this folder instead of the network.
    #[arg(long, value_name = "FOLDER")]
    wheels: Option<PathBuf>,
    /// Run pip with this Python.
    #[arg(long, value_name = "PYTHON", default_value = "python3")]
    python: PathBuf,
}

/// Fetches or checks both parts, then prints the variables that a build needs.
pub(crate) fn run(arguments: &CudaSetupArguments) -> Result<()> {
    let places = Places::new(arguments.folder.as_deref())?;
    let parts = arguments.only.map_or(Part::ALL.to_vec(), |part| vec![part]);
    if !arguments.check {
        for part in &parts {
            fetch(*part, &places, arguments)?;
        }
    }
    let mut complete = true;
    for part in &parts {
        for path in places.missing(*part) {
            outln!("{}: missing: {}", part.name(), path.display())?;
            complete = false;
        }
    }
    if !complete {
        bail!("something is missing; `cargo xtask cuda-setup` fetches it");
    }
    variables(&parts, &places)
}

fn fetch(part: Part, places: &Places, arguments: &CudaSetupArguments) -> Result<()> {
    let folder = places.folder(part);
    if places.missing(part).is_empty() {
        tracing::info!("{}: complete in {}", part.name(), folder.display());
        return Ok(());
    }
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        bail!(UsageError(
            "the wheels are for Linux on x86-64; install CUDA 13.0 and LLVM 23 yourself".to_owned()
        ));
    }
    tracing::info!("{}: fetching into {}", part.name(), folder.display());
    let downloads = places.downloads(part);
    let files = wheels::download(part, &arguments.python, arguments.wheels.as_deref(), &downloads)?;
    match part {
        Part::Cuda => wheels::unpack_all(&files, &folder, "nvidia/cu13")?,
        Part::Llvm => llvm::install(&files, &folder)?,
    }
    std::fs::remove_dir_all(&downloads)?;
    Ok(())
}

/// The variables as a shell reads them.
fn variables(parts: &[Part], places: &Places) -> Result<()> {
    let mut libraries = Vec::new();
    for part in parts {
        let folder = places.folder(*part);
        libraries.push(folder.join("lib").display().to_string());
        match part {
            Part::Cuda => outln!("export CUDA_PATH='{}'", folder.display())?,
            Part::Llvm => {
                outln!("export CXX='{}'", folder.join("bin/clang++").display())?;
                // The version whose functions cudarc looks up in the driver, that of the headers above.
                outln!("export CUDARC_CUDA_VERSION=13000")?;
            }
        }
    }
    outln!("export LD_LIBRARY_PATH='{}'\"${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}\"", libraries.join(":"))?;
    Ok(())
}
