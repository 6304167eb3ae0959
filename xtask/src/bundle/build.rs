//! Building the programs and the test programs of a bundle.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use serde_json::Value;

use crate::cuda::{Part, Places};
use crate::workspace;

/// The kind of device that programs are built for.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(super) enum Backend {
    /// NVIDIA cards.
    Cuda,
    /// Vulkan devices, for a rehearsal.
    Vulkan,
}

impl Backend {
    /// The feature of the crates.
    fn feature(self) -> &'static str {
        match self {
            Self::Cuda => "cuda",
            Self::Vulkan => "vulkan",
        }
    }
}

/// A program, and its name in the bundle.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) name: &'static str,
    pub(super) path: PathBuf,
}

/// Crates whose programs the stages run.
const BINARIES: [&str; 2] = ["internlm-train", "lmdeploy"];

/// Programs of the bundle: the crates' binaries, and the tests of the decoder and its kernels.
pub(super) fn programs(backend: Backend) -> Result<Vec<Program>> {
    let mut build = cargo(backend)?;
    build.args(["build", "--release", "--bins"]);
    for name in BINARIES {
        build.args(["--package", name]);
    }
    let features: Vec<String> = BINARIES.iter().map(|name| format!("{name}/{}", backend.feature())).collect();
    build.args(["--features", &features.join(",")]);
    workspace::run(&mut build)?;
    let folder = workspace::release_folder()?;
    let mut programs: Vec<Program> =
        BINARIES.iter().map(|name| Program { name, path: folder.join(name) }).collect();
    programs.extend(tests(backend)?);
    Ok(programs)
}

fn tests(backend: Backend) -> Result<[Program; 2]> {
    let mut command = cargo(backend)?;
    command.args(["test", "--release", "--no-run", "--package", "internlm-model", "--lib", "--test", "it"]);
    command.args(["--features", backend.feature(), "--message-format", "json"]);
    let done = command.stderr(Stdio::inherit()).output().context("cannot start cargo")?;
    if !done.status.success() {
        bail!("`{}` ended with {}", workspace::describe(&command), done.status);
    }
    let messages = String::from_utf8_lossy(&done.stdout);
    let find =
        |target: &str| executable(&messages, target).with_context(|| format!("cargo built no `{target}`"));
    Ok([
        Program { name: "kernel-tests", path: find("internlm_model")? },
        Program { name: "decoder-tests", path: find("it")? },
    ])
}

/// The test program of a target in cargo's messages, one JSON object a line.
fn executable(messages: &str, target: &str) -> Option<PathBuf> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let is_test = |message: &Value| message["target"]["name"] == target && message["profile"]["test"] == true;
    messages.filter(is_test).filter_map(|message| Some(message["executable"].as_str()?.into())).next_back()
}

/// Cargo, with LLVM's compiler for what CUDA needs.
fn cargo(backend: Backend) -> Result<Command> {
    let mut cargo = workspace::cargo();
    if backend == Backend::Cuda {
        let llvm = Places::new(None)?.folder(Part::Llvm);
        cargo.env("CXX", llvm.join("bin/clang++")).env("CUDARC_CUDA_VERSION", "13000");
    }
    Ok(cargo)
}

#[cfg(test)]
mod message_tests {
    use super::*;

    #[test]
    fn test_programs_are_found_in_the_messages() {
        let messages = r#"{"reason":"compiler-artifact","target":{"name":"it"},"profile":{"test":false},"executable":"/a"}
not JSON
{"reason":"compiler-artifact","target":{"name":"it"},"profile":{"test":true},"executable":"/b/it-1"}
{"reason":"compiler-artifact","target":{"name":"other"},"profile":{"test":true},"executable":null}
"#;
        assert_eq!(executable(messages, "it"), Some(PathBuf::from("/b/it-1")));
        assert_eq!(executable(messages, "other"), None);
    }
}
