//! NVRTC, ptxas and nvdisasm: from CUDA C++ to figures about machine code. None of them needs a card or a driver.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use cubecl_cuda::{Architecture, Text};
use cudarc::nvrtc::{CompileError, CompileOptions, compile_ptx_with_opts};
use internlm_kit::exit::UsageError;

use crate::ptxas::Resources;
use crate::sass::Instructions;

/// Where the programs are and where their output is kept.
#[derive(Debug)]
pub(crate) struct Toolchain {
    cuda: PathBuf,
    out: PathBuf,
}

/// What a kernel became.
#[derive(Clone, Debug)]
pub(crate) struct Compiled {
    /// Registers, shared memory and spills.
    pub(crate) resources: Resources,
    /// The machine code.
    pub(crate) instructions: Instructions,
    /// Length of the PTX in bytes.
    pub(crate) ptx_bytes: usize,
}

impl Toolchain {
    /// The programs below `cuda`; creates the folder `out`.
    pub(crate) fn new(cuda: &Path, out: &Path) -> Result<Self> {
        for name in ["bin/ptxas", "bin/nvdisasm", "lib/libnvrtc.so.13", "include/cuda_runtime.h"] {
            if !cuda.join(name).exists() {
                bail!(UsageError(format!("{}: expected {name} in this folder", cuda.display())));
            }
        }
        std::fs::create_dir_all(out).with_context(|| format!("{}: cannot create", out.display()))?;
        Ok(Self { cuda: cuda.to_path_buf(), out: out.to_path_buf() })
    }

    /// Compiles one kernel as CubeCL's CUDA runtime and the driver would.
    pub(crate) fn compile(&self, text: &Text, architecture: Architecture) -> Result<Compiled> {
        let file = |ending: &str| self.out.join(format!("{}.{}.{ending}", text.entry, architecture.name()));
        write(&file("cu"), &text.source)?;
        let ptx = self.ptx(&text.source, architecture)?;
        write(&file("ptx"), &ptx)?;
        let mut ptxas = Command::new(self.cuda.join("bin/ptxas"));
        ptxas.args(["-v", "-arch", architecture.name(), "-o"]).args([file("cubin"), file("ptx")]);
        let resources = Resources::read(&run(&mut ptxas)?.errors)?;
        let sass = run(Command::new(self.cuda.join("bin/nvdisasm")).arg("-c").arg(file("cubin")))?.output;
        write(&file("sass"), &sass)?;
        Ok(Compiled { resources, instructions: Instructions::read(&sass), ptx_bytes: ptx.len() })
    }

    fn ptx(&self, source: &str, architecture: Architecture) -> Result<String> {
        let include = |name: &str| self.cuda.join(name).display().to_string();
        let options = CompileOptions {
            arch: Some(architecture.name()),
            include_paths: vec![include("include"), include("include/cccl")],
            // As CubeCL asks for it.
            options: vec!["-lineinfo".to_owned()],
            ..CompileOptions::default()
        };
        match compile_ptx_with_opts(source, options) {
            Ok(ptx) => Ok(ptx.to_src()),
            Err(CompileError::CompileError { log, .. }) => bail!("NVRTC: {}", log.to_string_lossy()),
            Err(error) => bail!("NVRTC: {error}"),
        }
    }
}

/// What a program printed.
struct Printed {
    output: String,
    errors: String,
}

/// Runs a program to its end.
fn run(command: &mut Command) -> Result<Printed> {
    let name = command.get_program().to_string_lossy().into_owned();
    let done = command.output().with_context(|| format!("{name}: cannot start"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let printed = Printed { output: text(&done.stdout), errors: text(&done.stderr) };
    if !done.status.success() {
        bail!("{name} ended with {}: {}{}", done.status, printed.output, printed.errors);
    }
    Ok(printed)
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| format!("{}: cannot write", path.display()))
}
