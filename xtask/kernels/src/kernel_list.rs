//! `kernels.toml`: every kernel of the crates, with the limits that its machine code keeps.

use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

/// All kernels of the crates.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct KernelList {
    /// One entry for each function with `#[cube(launch)]`.
    #[serde(rename = "kernel")]
    pub(crate) kernels: Vec<Entry>,
    /// Kernels of other crates that do not keep the usual limits.
    #[serde(default)]
    pub(crate) third_party: Vec<Entry>,
}

/// One kernel and its limits, which hold for every architecture and every set of compile-time arguments.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Entry {
    /// Path of the function.
    pub(crate) function: String,
    /// The workload that this entry is for; without it the entry is for all others.
    #[serde(default)]
    pub(crate) workload: Option<String>,
    /// Maximum number of registers of one thread.
    pub(crate) registers: u32,
    /// Maximum number of bytes of spills; also allows local memory.
    #[serde(default)]
    pub(crate) spills: usize,
    /// Instructions that must occur, such as `HMMA`.
    #[serde(default)]
    pub(crate) opcodes: Vec<String>,
}

impl KernelList {
    /// Reads the file.
    pub(crate) fn load(path: &Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("{}: cannot read", path.display()))?;
        toml::from_str(&text).with_context(|| format!("{}: not a list of kernels", path.display()))
    }

    /// The entry of a function in a workload.
    pub(crate) fn find(&self, function: &str, workload: &str) -> Option<&Entry> {
        let entries = || self.entries().filter(|kernel| kernel.function == function);
        let own = entries().find(|kernel| kernel.workload.as_deref() == Some(workload));
        own.or_else(|| entries().find(|kernel| kernel.workload.is_none()))
    }

    /// All entries, those of other crates last.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.kernels.iter().chain(&self.third_party)
    }

    /// Whether a function belongs to a crate of the list.
    pub(crate) fn is_ours(&self, function: &str) -> bool {
        let krate = |path: &str| path.split("::").next().unwrap_or_default().to_owned();
        self.kernels.iter().any(|kernel| krate(&kernel.function) == krate(function))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_of_the_list_are_ours() {
        let text = "[[kernel]]\nfunction = \"model::norm::scale\"\nregisters = 40\n\
                    [[kernel]]\nfunction = \"model::gemm::tile\"\nregisters = 128\nopcodes = [\"HMMA\"]\n\
                    [[third-party]]\nfunction = \"other::f\"\nregisters = 255\nspills = 8\n\
                    [[third-party]]\nfunction = \"other::f\"\nworkload = \"bf16\"\nregisters = 255\n";
        let list: KernelList = toml::from_str(text).expect("parses");
        assert_eq!(list.find("model::gemm::tile", "any").expect("listed").opcodes, ["HMMA"]);
        let other = |workload| list.find("other::f", workload).expect("listed");
        assert_eq!((other("any").spills, other("bf16").spills, list.is_ours("other::f")), (8, 0, false));
        assert!(list.find("model::gemm", "any").is_none());
        assert!(list.is_ours("model::new::kernel") && !list.is_ours("models::norm::scale"));
        assert!(toml::from_str::<KernelList>(&text.replace("opcodes", "opcode")).is_err());
    }
}
