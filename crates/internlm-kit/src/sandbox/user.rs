//! The user a program runs as: this user, or a separate one for each run when this process is root.

use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::geteuid;

/// First of the user numbers that nobody uses: above the container range of systemd
/// (<https://systemd.io/UIDS-GIDS/>), below 2^31.
const FIRST: u32 = 0x7000_0000;
/// Numbers per process, so that runs of one process do not share a user.
const PER_PROCESS: u32 = 1024;
/// The overflow user, taken when a container does not map the high numbers.
const NOBODY: u32 = 65534;

/// Runs started by this process so far.
static RUNS: AtomicU32 = AtomicU32::new(0);

/// Whom the programs run as.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum User {
    /// Our own, unprivileged user.
    Ours,
    /// A user of its own per run: nothing else of this machine belongs to it.
    OnePerRun,
    /// `nobody`: this process is root in a container that maps no high numbers.
    Nobody,
    /// Root, because this container maps no other user.
    Root,
}

impl User {
    /// Looks at who we are and which users exist here.
    pub(super) fn detect() -> Self {
        if !geteuid().is_root() {
            return Self::Ours;
        }
        let map = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
        if maps(&map, FIRST) {
            Self::OnePerRun
        } else if maps(&map, NOBODY) {
            Self::Nobody
        } else {
            Self::Root
        }
    }

    /// The user number of the next run; `None` leaves it as it is.
    pub(super) fn next(self) -> Option<u32> {
        match self {
            Self::Ours | Self::Root => None,
            Self::Nobody => Some(NOBODY),
            Self::OnePerRun => {
                let run = RUNS.fetch_add(1, Ordering::Relaxed) % PER_PROCESS;
                Some(FIRST + (std::process::id() % 32_768) * PER_PROCESS + run)
            }
        }
    }

    /// Processes of this user that exist already and that the kernel counts against its limit.
    pub(super) fn running(self) -> u64 {
        match self {
            Self::OnePerRun => 0,
            Self::Nobody | Self::Root => 0,
            Self::Ours => count_own_threads(),
        }
    }
}

/// Whether `number` is mapped: lines are `first-inside first-outside count`.
fn maps(map: &str, number: u32) -> bool {
    map.lines().any(|line| {
        let fields: Vec<u64> = line.split_whitespace().filter_map(|field| field.parse().ok()).collect();
        matches!(fields[..], [first, _, count] if (first..first + count).contains(&u64::from(number)))
    })
}

/// Threads of our user: the kernel's limit counts threads.
fn count_own_threads() -> u64 {
    let own = geteuid().as_raw().to_string();
    let Ok(entries) = fs::read_dir("/proc") else { return 0 };
    let statuses = entries.flatten().filter_map(|entry| fs::read_to_string(entry.path().join("status")).ok());
    statuses
        .filter(|status| field(status, "Uid:").is_some_and(|user| user == own))
        .filter_map(|status| field(&status, "Threads:").and_then(|count| count.parse::<u64>().ok()))
        .sum()
}

/// First word after `key` in a `/proc/N/status` text.
pub(super) fn field<'a>(status: &'a str, key: &str) -> Option<&'a str> {
    status.lines().find_map(|line| line.strip_prefix(key))?.split_whitespace().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_map_is_read_as_ranges() {
        assert!(maps("         0          0 4294967295\n", FIRST));
        assert!(maps("0 100000 65536\n", NOBODY) && !maps("0 100000 65536\n", FIRST));
        assert!(!maps("0 1000 1\n", NOBODY));
    }
}
