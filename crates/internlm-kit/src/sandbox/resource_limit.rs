//! [`ResourceLimit`]: a limit of one process (setrlimit(2)).

use rustix::process::Resource;

/// A limit on what one process may use of a resource.
#[derive(Clone, Copy, Debug)]
pub(super) struct ResourceLimit {
    /// What is limited; it decides the unit.
    pub(super) resource: Resource,
    /// The limit whose crossing the program may notice and survive.
    pub(super) soft: u64,
    /// The limit that the program cannot raise or ignore.
    pub(super) hard: u64,
}
