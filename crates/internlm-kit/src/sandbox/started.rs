//! [`Started`]: a program that waits at its gate, and the gate.

use std::io::Write;
use std::process::{Child, ChildStdin};
use std::thread;

use super::SandboxError;
use super::folder::WorkFolder;
use super::group::ProcessGroup;

/// Who counts the processor time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum CpuClock {
    /// The kernel, over the whole life of each process.
    Kernel,
    /// The watch, which starts again whenever the caller says so.
    Watch,
}

/// A program that waits at its gate.
#[derive(Debug)]
pub(super) struct Started {
    pub(super) child: Child,
    pub(super) group: ProcessGroup,
    /// Removed after the group was killed.
    pub(super) folder: WorkFolder,
    pub(super) user: Option<u32>,
}

/// Lets the program start and writes its input from a thread of its own: it may read late or never.
pub(super) fn open_gate(mut stdin: ChildStdin, input: Vec<u8>) -> Result<(), SandboxError> {
    let feed = move || {
        // A program that does not read its input is not an error.
        let _ = stdin.write_all(b"\n").and_then(|()| stdin.write_all(&input));
    };
    let thread = thread::Builder::new().name("sandbox-input".to_owned());
    thread.spawn(feed).map(drop).map_err(SandboxError::system("start the writer of the input"))
}
