//! The user a program runs as: this user, or a separate one for each run when this process is root.

use std::sync::atomic::{AtomicU32, Ordering};
use std::{fs, io};

use rustix::process::{Gid, Uid, geteuid};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};

/// First of the user numbers that nobody uses: above the container range of systemd
/// (<https://systemd.io/UIDS-GIDS/>), below 2^31.
const FIRST: u32 = 0x7000_0000;
/// Numbers per process, so that runs of one process do not share a user.
const PER_PROCESS: u32 = 1024;
/// Processes whose numbers differ.
const PROCESSES: u32 = 32_768;
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
                Some(FIRST + (std::process::id() % PROCESSES) * PER_PROCESS + run)
            }
        }
    }

    /// Whether a work folder of this user number can be one of ours, or of a program that we started.
    pub(super) fn may_own(self, number: u32) -> bool {
        let runs = match self {
            Self::Ours | Self::Root => false,
            Self::Nobody => number == NOBODY,
            Self::OnePerRun => (FIRST..FIRST + PROCESSES * PER_PROCESS).contains(&number),
        };
        runs || number == geteuid().as_raw()
    }

    /// Processes of this user that exist already and that the kernel counts against its limit.
    pub(super) fn running(self) -> u64 {
        match self {
            // The thread that looks at the open files of a run becomes its user.
            Self::OnePerRun | Self::Nobody => 1,
            Self::Root => 0,
            Self::Ours => count_own_threads(),
        }
    }
}

/// Turns this thread, and no other one of the process, into the user `number` for the rest of its life.
pub(super) fn become_user(number: u32) -> io::Result<()> {
    let (user, group) = (Uid::from_raw(number), Gid::from_raw(number));
    // The groups first: the user may not change them any more.
    set_thread_groups(&[])?;
    set_thread_res_gid(group, group, group)?;
    set_thread_res_uid(user, user, user)?;
    Ok(())
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

    #[test]
    fn folders_of_strangers_are_not_ours() {
        let own = geteuid().as_raw();
        let users = [User::Ours, User::OnePerRun, User::Nobody, User::Root];
        assert!(users.into_iter().all(|user| user.may_own(own)));
        assert!(User::OnePerRun.may_own(FIRST) && User::Nobody.may_own(NOBODY));
        assert!(!User::Ours.may_own(FIRST) && !User::OnePerRun.may_own(1234) && !User::Nobody.may_own(1234));
    }
}
