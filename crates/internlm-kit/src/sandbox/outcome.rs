//! What a sandboxed program did: how it ended, what it wrote, what it used.

use serde::{Deserialize, Serialize};

use super::Level;

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
    /// A file or the work folder grew over its limit.
    DiskLimit,
}

impl Status {
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
}
