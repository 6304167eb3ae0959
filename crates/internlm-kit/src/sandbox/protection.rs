//! What holds on this machine, and by which mechanism.

use serde::Serialize;

use super::Level;
use super::confine::Landlock;
use super::suspicion::Sight;
use super::user::User;

/// How far one protection goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strength {
    /// Holds against a program that tries.
    Enforced,
    /// Holds with the gap that the text names.
    Partial,
    /// The protection is not there.
    Open,
}

/// One row of `sandbox check`.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Protection {
    /// What is protected: files, network, memory.
    pub what: &'static str,
    /// How far the protection goes.
    pub strength: Strength,
    /// The mechanism, or what is missing.
    pub how: &'static str,
}

/// The facts that decide every row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    pub(super) level: Level,
    pub(super) user: User,
    pub(super) landlock: Landlock,
    pub(super) seccomp: Seccomp,
    pub(super) sight: Sight,
}

/// Whether filters are installed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Seccomp {
    Present,
    Absent,
}

impl Facts {
    /// One row per protection, always in the same order.
    pub(super) fn protections(self) -> Vec<Protection> {
        let row = |what, (strength, how)| Protection { what, strength, how };
        vec![
            row("wall clock", (Strength::Enforced, "kill of the process group")),
            row("output", (Strength::Enforced, "read up to the limit, then killed")),
            row("parent death", (Strength::Enforced, "holder process kills the group")),
            row("inherited files", (Strength::Enforced, "closed, but for the standard streams")),
            row("cpu time", self.limited("RLIMIT_CPU per process")),
            row("memory", self.limited("RLIMIT_AS per process, sampled sum over the group")),
            row("file size", self.file_size()),
            row("processes", self.processes()),
            row("network", self.network()),
            row("local sockets", self.local_sockets()),
            row("files", self.files()),
            row("shared memory", self.shared_memory()),
            row("kernel interfaces", self.kernel()),
            row("namespaces", self.namespaces()),
            row("privileges", self.privileges()),
            row("other processes", self.others()),
            row("leaving the group", self.group()),
        ]
    }

    fn limited(self, how: &'static str) -> (Strength, &'static str) {
        match self.level {
            Level::None => (Strength::Open, "no limits at level none"),
            _ => (Strength::Enforced, how),
        }
    }

    fn file_size(self) -> (Strength, &'static str) {
        match (self.level, self.sight) {
            (Level::None, _) => (Strength::Open, "no limits at level none"),
            (_, Sight::Blind) => {
                (Strength::Partial, "RLIMIT_FSIZE per file, sampled size of the work folder alone")
            }
            (Level::Process, Sight::Clear) => {
                (Strength::Partial, "RLIMIT_FSIZE per file; not what is written outside the work folder")
            }
            (_, Sight::Clear) => {
                (Strength::Enforced, "RLIMIT_FSIZE per file, sampled sum of work folder and deleted files")
            }
        }
    }

    fn processes(self) -> (Strength, &'static str) {
        match (self.level, self.user) {
            (Level::None, _) => (Strength::Open, "no limits at level none"),
            (_, User::OnePerRun) => (Strength::Enforced, "RLIMIT_NPROC of a user of its own"),
            (_, User::Ours) => {
                (Strength::Partial, "RLIMIT_NPROC above what the user runs already: shared with the user")
            }
            (_, User::Nobody) => (Strength::Partial, "RLIMIT_NPROC of nobody: shared by concurrent runs"),
            (_, User::Root) => (Strength::Open, "the kernel does not count root's processes"),
        }
    }

    fn network(self) -> (Strength, &'static str) {
        match (self.level, self.seccomp) {
            (Level::Bwrap | Level::Namespaces, _) => {
                (Strength::Enforced, "own network namespace; socket(2) refused by seccomp")
            }
            (Level::None, _) => (Strength::Open, "not limited at level none"),
            (_, Seccomp::Present) => (Strength::Enforced, "socket(2) refused by seccomp"),
            (_, Seccomp::Absent) => (Strength::Open, "unavailable: neither namespaces nor seccomp here"),
        }
    }

    fn local_sockets(self) -> (Strength, &'static str) {
        match (self.level, self.seccomp) {
            (Level::None, _) => (Strength::Open, "not limited at level none"),
            (_, Seccomp::Present) => (
                Strength::Enforced,
                "connect(2) and addresses to send to refused by seccomp; a session may serve Unix sockets",
            ),
            (_, Seccomp::Absent) => (Strength::Open, "unavailable: no seccomp here"),
        }
    }

    fn shared_memory(self) -> (Strength, &'static str) {
        match (self.level, self.seccomp) {
            (Level::Bwrap, _) => (Strength::Enforced, "own /dev/shm, counted with the work folder"),
            (Level::Namespaces | Level::Landlock, _) => {
                (Strength::Enforced, "refused: /dev/shm by Landlock, memory without a file by seccomp")
            }
            (Level::Process, Seccomp::Present) => (
                Strength::Partial,
                "memory without a file refused by seccomp; /dev/shm is open and not counted",
            ),
            _ => (Strength::Open, "not limited"),
        }
    }

    fn kernel(self) -> (Strength, &'static str) {
        match (self.level, self.seccomp) {
            (Level::None, _) => (Strength::Open, "not limited at level none"),
            (_, Seccomp::Present) => {
                (Strength::Enforced, "ptrace, io_uring, keyrings, bpf, perf, userfaultfd refused by seccomp")
            }
            (_, Seccomp::Absent) => (Strength::Open, "unavailable: no seccomp here"),
        }
    }

    fn namespaces(self) -> (Strength, &'static str) {
        match (self.level, self.seccomp) {
            (Level::None, _) => (Strength::Open, "not limited at level none"),
            (Level::Namespaces, _) => {
                (Strength::Enforced, "mounts refused; new namespaces only of the kinds that it has already")
            }
            (_, Seccomp::Present) => {
                (Strength::Enforced, "unshare(2), setns(2) and mounts refused by seccomp")
            }
            (_, Seccomp::Absent) => (Strength::Open, "unavailable: no seccomp here"),
        }
    }

    fn privileges(self) -> (Strength, &'static str) {
        match (self.level, self.seccomp, self.user) {
            (Level::None, ..) => (Strength::Open, "programs with the set-user-ID bit work"),
            (_, Seccomp::Absent, _) => (Strength::Open, "unavailable: no seccomp here"),
            (_, Seccomp::Present, User::Root) => {
                (Strength::Partial, "no new privileges, but the user is root")
            }
            (_, Seccomp::Present, _) => {
                (Strength::Enforced, "no new privileges: set-user-ID bits do nothing")
            }
        }
    }

    fn files(self) -> (Strength, &'static str) {
        match (self.level, self.landlock, self.user) {
            (Level::Bwrap, ..) => {
                (Strength::Enforced, "own mount namespace: system read-only, one work folder")
            }
            (Level::Namespaces | Level::Landlock, Landlock::Full, User::OnePerRun | User::Nobody) => {
                (Strength::Enforced, "Landlock: system read-only, one work folder")
            }
            (Level::Namespaces | Level::Landlock, Landlock::Full, _) => (
                Strength::Partial,
                "Landlock: system read-only, one work folder; modes and times of the user's own files can be changed",
            ),
            (Level::Namespaces | Level::Landlock, ..) => {
                (Strength::Partial, "Landlock of an older kernel: some rights are not covered")
            }
            (Level::Process, _, User::OnePerRun | User::Nobody) => (
                Strength::Partial,
                "a user that owns nothing; what everybody may read or write (/tmp) is open",
            ),
            _ => (Strength::Open, "reads and writes all that the user may; what it writes elsewhere stays"),
        }
    }

    fn others(self) -> (Strength, &'static str) {
        match (self.level, self.landlock, self.user) {
            (Level::Bwrap | Level::Namespaces, ..) => (Strength::Enforced, "own process namespace"),
            (Level::Landlock, Landlock::Full, _) => {
                (Strength::Enforced, "Landlock scope for signals; no ptrace")
            }
            (Level::Landlock | Level::Process, _, User::OnePerRun) => {
                (Strength::Enforced, "a user of its own")
            }
            (Level::Landlock | Level::Process, ..) => {
                (Strength::Partial, "processes of the same user can be signalled")
            }
            (Level::None, ..) => (Strength::Open, "not limited at level none"),
        }
    }

    fn group(self) -> (Strength, &'static str) {
        match (self.level, self.seccomp) {
            (Level::Bwrap | Level::Namespaces, _) => {
                (Strength::Enforced, "the process namespace dies with its first process")
            }
            (Level::None, _) | (_, Seccomp::Absent) => {
                (Strength::Open, "a program that starts a session of its own outlives the kill")
            }
            (_, Seccomp::Present) => (Strength::Enforced, "setsid(2) and setpgid(2) refused by seccomp"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEVELS: [Level; 5] =
        [Level::None, Level::Process, Level::Landlock, Level::Namespaces, Level::Bwrap];

    fn facts(level: Level) -> Facts {
        let (landlock, seccomp) = (Landlock::Full, Seccomp::Present);
        Facts { level, user: User::OnePerRun, landlock, seccomp, sight: Sight::Clear }
    }

    fn strengths(facts: Facts) -> Vec<Strength> {
        facts.protections().into_iter().map(|row| row.strength).collect()
    }

    fn strength(facts: Facts, what: &str) -> Strength {
        let row = facts.protections().into_iter().find(|row| row.what == what);
        row.expect("there is such a row").strength
    }

    #[test]
    fn every_level_has_the_same_rows() {
        let names = |level| facts(level).protections().into_iter().map(|row| row.what).collect::<Vec<_>>();
        assert!(LEVELS.into_iter().all(|level| names(level) == names(Level::None)));
    }

    #[test]
    fn the_strongest_level_enforces_everything_and_none_only_what_the_parent_does() {
        assert!(strengths(facts(Level::Bwrap)).iter().all(|strength| *strength == Strength::Enforced));
        let none = strengths(facts(Level::None));
        assert!(none[..4].iter().all(|strength| *strength == Strength::Enforced));
        assert!(none[4..].iter().all(|strength| *strength == Strength::Open));
    }

    #[test]
    fn what_the_machine_lacks_is_open_or_partial() {
        let without_seccomp = Facts { seccomp: Seccomp::Absent, ..facts(Level::Process) };
        assert_eq!(strength(without_seccomp, "network"), Strength::Open);
        assert_eq!(strength(without_seccomp, "leaving the group"), Strength::Open);
        let old_kernel = Facts { landlock: Landlock::Partial, ..facts(Level::Landlock) };
        assert_eq!(strength(old_kernel, "files"), Strength::Partial);
        let shared_user = Facts { user: User::Ours, ..facts(Level::Process) };
        assert_eq!(strength(shared_user, "processes"), Strength::Partial);
        assert_eq!(strength(shared_user, "files"), Strength::Open);
        let shared_user = Facts { user: User::Ours, ..facts(Level::Landlock) };
        assert_eq!(strength(shared_user, "files"), Strength::Partial);
        assert_eq!(strength(facts(Level::Process), "shared memory"), Strength::Partial);
        assert_eq!(strength(without_seccomp, "local sockets"), Strength::Open);
        assert_eq!(strength(facts(Level::Process), "file size"), Strength::Partial);
        let blind = Facts { sight: Sight::Blind, ..facts(Level::Namespaces) };
        assert_eq!(strength(blind, "file size"), Strength::Partial);
        let root = Facts { user: User::Root, ..facts(Level::Landlock) };
        assert_eq!(strength(root, "processes"), Strength::Open);
    }
}
