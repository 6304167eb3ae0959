//! `cargo xtask device-bundle`: everything that a bare machine with a card needs, in one folder of limited size.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;
use internlm_kit::exit::UsageError;
use internlm_kit::outln;

use super::archive::{Archive, Packed};
use super::build::{self, Backend};
use super::llvm_stub;
use crate::cuda::{Part, Places};
use crate::{data, workspace};

/// Size of a bundle in MiB: machines take 64 MiB, and the repository travels with it.
const LIMIT: f64 = 58.0;
/// What the tests of the decoder read, below the folder of test data.
const GOLDENS: [&str; 4] =
    ["golden/model/tiny_a", "golden/model/tiny_b", "golden/model/tiny_c", "models/stories260K"];
/// Libraries that programs with the feature `cuda` load besides LLVM, below the folder of LLVM's libraries.
const LIBRARIES: [&str; 3] = ["libc++.so.1", "libc++abi.so.1", "libunwind.so.1"];
/// What runs the stages, below `xtask/device`.
pub(super) const SCRIPTS: [&str; 7] =
    ["run.sh", "stages.py", "benches.py", "report.py", "models.py", "ceilings.py", "twins.py"];

/// Options of `cargo xtask device-bundle`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cargo xtask device-bundle .gpu                       for a machine with an NVIDIA card
  cargo xtask device-bundle .gpu --backend vulkan      for a rehearsal here:
  bash .gpu/run.sh --device vulkan:0 --tiny --out runs/rehearsal")]
pub(crate) struct DeviceBundleArguments {
    /// Write the bundle into this folder; what is there is replaced.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Build the programs for this kind of device.
    #[arg(long, value_enum, default_value_t = Backend::Cuda)]
    backend: Backend,
    /// Take the test data from this folder. Default: INTERNLM_TEST_DATA, or else ../shared/data.
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
}

/// Builds, packs, prints the sizes; fails when they exceed the limit.
pub(crate) fn run(arguments: &DeviceBundleArguments) -> Result<()> {
    let data = arguments.data.clone().unwrap_or_else(data::folder);
    if let Some(absent) = GOLDENS.iter().map(|name| data.join(name)).find(|path| !path.is_dir()) {
        bail!(UsageError(format!("{}: expected this folder of test data", absent.display())));
    }
    let places = Places::new(None)?;
    if arguments.backend == Backend::Cuda && !places.missing(Part::Llvm).is_empty() {
        bail!(UsageError("LLVM is missing; `cargo xtask cuda-setup --only llvm` fetches it".to_owned()));
    }
    let folder = &arguments.folder;
    if folder.exists() {
        let known = folder.join("commit").exists() || fs::read_dir(folder)?.next().is_none();
        if !known {
            bail!(UsageError(format!("{}: is not a bundle, and not replaced", folder.display())));
        }
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder).with_context(|| format!("{}: cannot create", folder.display()))?;
    let packed = pack(arguments.backend, &data, &places.folder(Part::Llvm).join("lib"), folder)?;
    for name in SCRIPTS {
        fs::copy(workspace::root().join("xtask/device").join(name), folder.join(name))
            .with_context(|| format!("{name}: cannot copy"))?;
    }
    fs::write(folder.join("commit"), commit()?)?;
    print(&packed)
}

fn pack(backend: Backend, data: &Path, libraries: &Path, folder: &Path) -> Result<Vec<Packed>> {
    let built = build::programs(backend)?;
    let mut programs = Archive::new("programs", folder)?;
    for program in &built {
        programs.add_program(&program.path, program.name)?;
    }
    let mut goldens = Archive::new("goldens", folder)?;
    for name in GOLDENS {
        goldens.add_folder(&data.join(name), name)?;
    }
    let mut archives = vec![programs, goldens];
    if backend == Backend::Cuda {
        let mut archive = Archive::new("libraries", folder)?;
        for name in LIBRARIES {
            archive.add_program(&libraries.join(name), name)?;
        }
        let paths: Vec<PathBuf> = built.iter().map(|program| program.path.clone()).collect();
        let stub = llvm_stub::build(&paths, libraries, folder)?;
        archive.add_program(&stub, llvm_stub::NAME)?;
        fs::remove_file(stub)?;
        archives.push(archive);
    }
    archives.into_iter().map(Archive::pack).collect()
}

/// The commit that was built, with a mark when files differ from it.
fn commit() -> Result<String> {
    let git = |arguments: &[&str]| -> Result<String> {
        let done = Command::new("git").current_dir(workspace::root()).args(arguments).output()?;
        Ok(String::from_utf8_lossy(&done.stdout).trim().to_owned())
    };
    let changed = !git(&["status", "--porcelain", "--untracked-files=no"])?.is_empty();
    Ok(git(&["rev-parse", "HEAD"])? + if changed { " with changes" } else { "" } + "\n")
}

fn print(packed: &[Packed]) -> Result<()> {
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    outln!("{:<12} {:>9} {:>9}", "archive", "files MiB", "MiB")?;
    for archive in packed {
        outln!("{:<12} {:>9.1} {:>9.1}", archive.name, mib(archive.raw), mib(archive.packed))?;
    }
    let sum = mib(packed.iter().map(|archive| archive.packed).sum());
    outln!("{:<12} {:>9} {:>9.1}", "sum", "", sum)?;
    if sum > LIMIT {
        bail!("device-bundle: {sum:.1} MiB, expected at most {LIMIT}");
    }
    Ok(())
}
