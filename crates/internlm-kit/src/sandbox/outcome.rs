//! What a sandboxed program did: how it ended, what it wrote, what it used.

use std::collections::BTreeMap;

use rustix::process::Signal;
use serde::{Deserialize, Serialize};

use super::Level;

/// What shells add to the number of a signal.
const SIGNALED: i32 = 128;

/// How the program ended.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Status {
    /// The program ended by itself.
    Exited {
        /// The exit code; 0 is success.
        code: i32,
    },
    /// By a signal that the sandbox did not send.
    Signaled {
        /// Number of the signal, as in `signal(7)`.
        signal: i32,
    },
    /// The wall clock ran out.
    Timeout,
    /// The processor time ran out.
    CpuLimit,
    /// The memory ran out: the processes together held more than the limit and were killed, or one
    /// was refused memory and ended saying so.
    MemoryLimit,
    /// More was written to stdout or stderr than is kept.
    OutputLimit,
    /// A file grew over its limit, or the work folder together with deleted files that are still open; or the sandbox
    /// was kept from looking into a folder or at the open files of a process.
    DiskLimit,
    /// The caller asked for the end, see [`Sandbox::with_stop`](super::Sandbox::with_stop).
    Stopped,
}

impl Status {
    /// The code with which a wrapper ends for this status: the program's own, 128 + signal as a shell has it, 124
    /// for the wall clock as `timeout(1)` has it, and that of the signal that stands for any other limit.
    ///
    /// ```
    /// use internlm_kit::sandbox::Status;
    ///
    /// assert_eq!(Status::Exited { code: 7 }.exit_code(), 7);
    /// assert_eq!(Status::Signaled { signal: 11 }.exit_code(), 139);
    /// assert_eq!(Status::Timeout.exit_code(), 124);
    /// ```
    #[must_use]
    pub fn exit_code(self) -> u8 {
        let code = match self {
            Self::Exited { code } => code,
            Self::Signaled { signal } => SIGNALED + signal,
            Self::Timeout => 124,
            Self::CpuLimit => SIGNALED + Signal::XCPU.as_raw(),
            Self::DiskLimit => SIGNALED + Signal::XFSZ.as_raw(),
            Self::Stopped => SIGNALED + Signal::TERM.as_raw(),
            Self::MemoryLimit | Self::OutputLimit => SIGNALED + Signal::KILL.as_raw(),
        };
        // Codes have eight bits; real-time signals end at 64.
        u8::try_from(code).unwrap_or(u8::MAX)
    }

    /// Whether the program ended by itself with exit code 0.
    #[must_use]
    pub fn is_success(self) -> bool {
        self == Self::Exited { code: 0 }
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exited { code } => write!(formatter, "exit code {code}"),
            Self::Signaled { signal } => write!(formatter, "killed by signal {signal}"),
            Self::Timeout => formatter.write_str("time limit exceeded"),
            Self::CpuLimit => formatter.write_str("processor time limit exceeded"),
            Self::MemoryLimit => formatter.write_str("memory limit exceeded"),
            Self::OutputLimit => formatter.write_str("output limit exceeded"),
            Self::DiskLimit => formatter.write_str("file size limit exceeded"),
            Self::Stopped => formatter.write_str("stopped by the caller"),
        }
    }
}

/// The whole result of one run.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Outcome {
    /// How the program ended.
    pub status: Status,
    /// What it wrote to stdout; invalid UTF-8 replaced, cut with a mark at the limit.
    pub stdout: String,
    /// What it wrote to stderr; likewise.
    pub stderr: String,
    /// Seconds of wall-clock time.
    pub wall_seconds: f64,
    /// Processor time of the program and the children it waited for, seconds.
    pub cpu_seconds: f64,
    /// Largest anonymous memory of all processes together that was seen (sampled), bytes.
    pub peak_memory_bytes: u64,
    /// The level that held during this run.
    pub level: Level,
    /// The files asked for by [`Task::collect`](super::Task::collect) that the program left, by name. Links, and
    /// files over the limit of one file, are left out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, Vec<u8>>,
    /// Paths in the work folder of files that the program made or changed, sorted; at most 1,000.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<String>,
}
