//! How a program ended, from its exit, the signals and what the watch saw.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use rustix::process::Signal;

use super::watch::Seen;
use super::{Level, SandboxConfig, Status};

/// A program killed by a signal after this share of its processor time was killed for it: the kernel counts
/// the limit more finely than the times it reports.
const CPU_SHARE: f64 = 0.7;

/// What became of a run; `stderr` is what the program wrote there.
pub(super) fn status(seen: &Seen, stderr: &str, level: Level, config: &SandboxConfig) -> Status {
    if let Some(status) = seen.killed {
        return status;
    }
    match (exit_of(seen.exit, level), level) {
        (status, Level::None) => status,
        (Status::Signaled { signal }, _) if signal == Signal::XCPU.as_raw() => Status::CpuLimit,
        (Status::Signaled { signal }, _) if signal == Signal::XFSZ.as_raw() => Status::DiskLimit,
        (Status::Signaled { signal }, _)
            if signal == Signal::KILL.as_raw()
                && seen.cpu_seconds >= CPU_SHARE * config.cpu_seconds as f64 =>
        {
            Status::CpuLimit
        }
        (status, _) if !status.is_success() && says_out_of_memory(stderr) => Status::MemoryLimit,
        (status, _) => status,
    }
}

/// How the program ended. Helpers turn a signal into the exit code 128 + signal.
pub(super) fn exit_of(exit: ExitStatus, level: Level) -> Status {
    match (exit.code(), exit.signal()) {
        (Some(code), _) if level >= Level::Namespaces && code > 128 => {
            Status::Signaled { signal: code - 128 }
        }
        (Some(code), _) => Status::Exited { code },
        (None, signal) => Status::Signaled { signal: signal.unwrap_or_default() },
    }
}

/// A refused allocation is an ordinary failure of the program; its runtime says so on the last lines.
fn says_out_of_memory(stderr: &str) -> bool {
    const WORDS: [&str; 4] =
        ["MemoryError", "std::bad_alloc", "memory allocation of", "Cannot allocate memory"];
    stderr.lines().rev().take(3).any(|line| WORDS.iter().any(|word| line.contains(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_helper_tells_a_signal_by_its_exit_code() {
        // As wait(2) encodes them: a code in the second byte, a signal in the first.
        let (three, killed, aborted) =
            (ExitStatus::from_raw(3 << 8), ExitStatus::from_raw(137 << 8), ExitStatus::from_raw(6));
        assert_eq!(exit_of(three, Level::Bwrap), Status::Exited { code: 3 });
        assert_eq!(exit_of(killed, Level::Bwrap), Status::Signaled { signal: 9 });
        assert_eq!(exit_of(killed, Level::Landlock), Status::Exited { code: 137 });
        assert_eq!(exit_of(aborted, Level::Process), Status::Signaled { signal: 6 });
    }

    #[test]
    fn only_the_last_lines_say_that_the_memory_ran_out() {
        assert!(says_out_of_memory("Traceback:\n  x = bytearray(10**9)\nMemoryError\n"));
        assert!(says_out_of_memory("memory allocation of 8 bytes failed\nAborted"));
        assert!(!says_out_of_memory("caught a MemoryError\n1\n2\n3\n"));
        assert!(!says_out_of_memory(""));
    }
}
