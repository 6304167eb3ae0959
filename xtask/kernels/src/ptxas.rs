//! What `ptxas -v` says about a kernel.

use anyhow::{Context, Result};

/// Resources of one kernel.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Resources {
    /// Registers of one thread.
    pub(crate) registers: u32,
    /// Shared memory that is part of the kernel, in bytes; what a launch asks for comes on top.
    pub(crate) shared: usize,
    /// Bytes that one thread stores to and loads from local memory because registers are missing.
    pub(crate) spills: usize,
    /// Local memory of one thread, in bytes: spills, and arrays whose indices are not known at compile time.
    pub(crate) stack: usize,
}

impl Resources {
    /// Reads the messages about a file with one kernel.
    pub(crate) fn read(messages: &str) -> Result<Self> {
        let before = |words: &str| -> Option<usize> {
            let end = messages.find(words)?;
            messages[..end].split_whitespace().next_back()?.parse().ok()
        };
        let missing = || format!("ptxas said something else: {messages}");
        let [registers, stack, stores, loads] =
            [" registers", " bytes stack frame", " bytes spill stores", " bytes spill loads"].map(before);
        Ok(Self {
            registers: registers.with_context(missing)?.try_into()?,
            // Kernels without shared memory have no such words.
            shared: before(" bytes smem").unwrap_or(0),
            spills: stores.with_context(missing)? + loads.with_context(missing)?,
            stack: stack.with_context(missing)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGES: &str = "\
ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function 'normalize' for 'sm_90a'
ptxas info    : Function properties for normalize
    16 bytes stack frame, 4 bytes spill stores, 8 bytes spill loads
ptxas info    : Used 26 registers, used 1 barriers, 16 bytes cumulative stack size, 1024 bytes smem
ptxas info    : Compile time = 8.250 ms
";

    #[test]
    fn every_number_is_read() {
        let expected = Resources { registers: 26, shared: 1024, spills: 12, stack: 16 };
        assert_eq!(Resources::read(MESSAGES).expect("reads"), expected);
        let without = MESSAGES.replace(", 1024 bytes smem", "");
        assert_eq!(Resources::read(&without).expect("reads"), Resources { shared: 0, ..expected });
        assert!(Resources::read("ptxas fatal   : Unresolved extern function 'f'").is_err());
    }
}
