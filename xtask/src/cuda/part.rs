//! What the feature `cuda` needs beyond this repository, where it is, and whether it is complete.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::ValueEnum;

/// One of the two sets of tools.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Part {
    /// NVRTC, ptxas, nvdisasm and CUDA's headers: to compile kernels.
    Cuda,
    /// LLVM and clang: to link Burn's CUDA backend.
    Llvm,
}

impl Part {
    /// Both, in the order in which they are fetched.
    pub(crate) const ALL: [Self; 2] = [Self::Cuda, Self::Llvm];

    /// Its name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Cuda => "cuda",
            Self::Llvm => "llvm",
        }
    }

    /// Files without which it is not complete.
    fn files(self) -> &'static [&'static str] {
        match self {
            Self::Cuda => &[
                "bin/nvdisasm",
                "bin/ptxas",
                "include/cccl/cuda/std/barrier",
                "include/crt/host_config.h",
                "include/cuda_runtime.h",
                "lib/libnvrtc-builtins.so.13.0",
                "lib/libnvrtc.so.13",
                "nvvm/libdevice/libdevice.10.bc",
            ],
            Self::Llvm => &[
                ".tracel-llvm-installed",
                "bin/clang++",
                "bin/llvm-config",
                "bin/llvm-config.real",
                "lib/libLLVM.so",
                "lib/libc++.so",
                "lib/libnvptx_absent.a",
            ],
        }
    }
}

/// Where both parts are.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// The folder that holds both.
    data: PathBuf,
}

impl Places {
    /// Below `folder`, by default the user's folder of program data, where Burn's build script looks for LLVM.
    pub(crate) fn new(folder: Option<&Path>) -> Result<Self> {
        if let Some(folder) = folder {
            return Ok(Self { data: std::path::absolute(folder)? });
        }
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let data = set("XDG_DATA_HOME").or_else(|| set("HOME").map(|home| home.join(".local/share")));
        Ok(Self { data: data.context("neither XDG_DATA_HOME nor HOME is set")? })
    }

    /// The folder of a part. The version in the name of LLVM's is that of the crate `tracel-llvm-bundler`.
    pub(crate) fn folder(&self, part: Part) -> PathBuf {
        match part {
            Part::Cuda => self.data.join("internlm-cuda/nvidia/cu13"),
            Part::Llvm => self.data.join("tracel/tracel-llvm-23.1.0-4"),
        }
    }

    /// Where wheels are kept until they are unpacked.
    pub(crate) fn downloads(&self, part: Part) -> PathBuf {
        self.data.join("internlm-cuda/wheels").join(part.name())
    }

    /// Files of a part that are not there.
    pub(crate) fn missing(&self, part: Part) -> Vec<PathBuf> {
        let folder = self.folder(part);
        part.files().iter().map(|name| folder.join(name)).filter(|path| !path.exists()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_complete_when_all_its_files_are_there() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let places = Places::new(Some(folder.path())).expect("a folder");
        let missing = places.missing(Part::Cuda);
        assert_eq!(missing.len(), Part::Cuda.files().len());
        for path in &missing {
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            std::fs::write(path, "").expect("writes");
        }
        assert!(places.missing(Part::Cuda).is_empty());
        assert_eq!(places.missing(Part::Llvm).len(), Part::Llvm.files().len());
        assert!(missing[1].ends_with("internlm-cuda/nvidia/cu13/bin/ptxas"));
    }
}
