//! An LLVM made of wheels, laid out as Burn's build script (`tracel-llvm-bundler` 23.1.0-4) would have downloaded it.
//!
//! The wheels know the target X86 only. Kernels take the way over CUDA C++ and NVRTC (feature `cubecl/cuda-cpp`), which
//! never calls LLVM; the four functions of the NVPTX target that the other way names come from a stub, so that
//! programs link. Asking for that other way ends with LLVM's "no available targets".

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::wheels::unpack_all;
use crate::workspace;

/// What the build script asks instead of the program in the wheels.
const CONFIG: &str = include_str!("llvm-config.sh");
/// Functions of the NVPTX target that `cubecl-llvm` names: `LLVMInitializeNVPTX...`.
const ABSENT: [&str; 4] = ["TargetInfo", "Target", "TargetMC", "AsmPrinter"];
/// Names that programs look for, and what they are in the wheels.
const LINKS: [Link; 6] = [
    Link { name: "lib/libLLVM.so", target: "libLLVM.so.23.1" },
    Link { name: "lib/libLLVM-23.so", target: "libLLVM.so.23.1" },
    Link { name: "lib/libc++.so", target: "libc++.so.1" },
    Link { name: "lib/libc++abi.so", target: "libc++abi.so.1" },
    Link { name: "bin/clang", target: "clang-23" },
    Link { name: "bin/clang++", target: "clang-23" },
];

struct Link {
    name: &'static str,
    target: &'static str,
}

/// Unpacks the wheels into `prefix`; what was there before is replaced.
pub(crate) fn install(wheels: &[PathBuf], prefix: &Path) -> Result<()> {
    if prefix.exists() {
        fs::remove_dir_all(prefix).with_context(|| format!("{}: cannot remove", prefix.display()))?;
    }
    unpack_all(wheels, prefix, ".data/data")?;
    for Link { name, target } in LINKS {
        link(&prefix.join(name), target)?;
    }
    link_runtime_libraries(&prefix.join("lib"))?;
    stub(&prefix.join("lib"))?;
    let config = prefix.join("bin/llvm-config");
    fs::rename(&config, prefix.join("bin/llvm-config.real"))?;
    fs::write(&config, CONFIG)?;
    let mode = fs::metadata(prefix.join("bin/llvm-config.real"))?.permissions();
    fs::set_permissions(&config, mode)?;
    // Last: this file says that everything else is there.
    fs::write(prefix.join(".tracel-llvm-installed"), "").map_err(Into::into)
}

/// Links libc++ and what belongs to it, which are in a folder of their own, next to libLLVM.
fn link_runtime_libraries(lib: &Path) -> Result<()> {
    let folder = "x86_64-unknown-linux-gnu";
    for entry in fs::read_dir(lib.join(folder))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if let Some(short) = name.strip_suffix(".0").filter(|short| short.ends_with(".so.1")) {
            link(&lib.join(short), &format!("{folder}/{name}"))?;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn link(path: &Path, target: &str) -> Result<()> {
    if fs::symlink_metadata(path).is_ok() {
        fs::remove_file(path)?;
    }
    std::os::unix::fs::symlink(target, path).with_context(|| format!("{}: cannot link", path.display()))
}

#[cfg(not(unix))]
fn link(path: &Path, _target: &str) -> Result<()> {
    bail!("{}: expected a system with symbolic links", path.display())
}

/// A library with functions that do nothing for the target that is not there.
fn stub(lib: &Path) -> Result<()> {
    let text: String =
        ABSENT.iter().map(|name| format!("void LLVMInitializeNVPTX{name}(void) {{}}\n")).collect();
    let [source, object] = ["nvptx_absent.c", "nvptx_absent.o"].map(|name| lib.join(name));
    fs::write(&source, text)?;
    workspace::run(Command::new("cc").args(["-O1", "-fPIC", "-c"]).arg(&source).arg("-o").arg(&object))?;
    workspace::run(Command::new("ar").arg("rcs").arg(lib.join("libnvptx_absent.a")).arg(&object))?;
    for file in [source, object] {
        fs::remove_file(file)?;
    }
    if !lib.join("libLLVM.so.23.1").exists() {
        bail!("{}: the wheels hold no libLLVM.so.23.1", lib.display());
    }
    Ok(())
}
