//! Starting a child that is confined from its first instruction: a thread restricts itself, then spawns.
//!
//! Landlock domains, seccomp filters and (below the C library) user ids belong to threads and pass to
//! children, so nothing of this has to be done between `fork` and `exec`. Resource limits belong to processes: the
//! child sets its own (`descriptors.rs`), which every user may.

use std::io;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::thread;

use landlock::{
    ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetStatus, Scope,
    path_beneath_rules,
};
use seccompiler::BpfProgram;

use super::descriptors::{keep_standard_streams, limit, take_signals};
use super::resource_limit::ResourceLimit;
use super::user::become_user;

/// What every program may read and execute.
pub(super) const SYSTEM: [&str; 8] = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc"];
/// The devices every program may use.
const DEVICES: [&str; 5] = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];
/// The newest Landlock interface whose rights we know; older kernels enforce what they have.
const LANDLOCK: ABI = ABI::V6;

/// Rights on files, enforced by Landlock.
#[derive(Clone, Debug)]
pub(super) struct FileRules {
    /// The one folder where everything is allowed.
    pub(super) work: PathBuf,
    /// Folders to read besides [`SYSTEM`].
    pub(super) readable: Vec<PathBuf>,
}

/// How much of the file rules the kernel enforces.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Landlock {
    /// All of them, signals included.
    Full,
    /// An older kernel: files yes, some rights or signals not.
    Partial,
    /// Nothing.
    Absent,
}

/// Restrictions of one child.
#[derive(Debug, Default)]
pub(super) struct Confinement {
    /// File rules, when the level has them.
    pub(super) files: Option<FileRules>,
    /// The user and group to become; `None` stays who we are.
    pub(super) user: Option<u32>,
    /// Seccomp filters, in the order of installation.
    pub(super) filters: Vec<BpfProgram>,
    /// Resource limits; empty when the level has none.
    pub(super) limits: Vec<ResourceLimit>,
}

impl Confinement {
    /// Starts `command`, which waits at its gate, under these restrictions.
    pub(super) fn spawn(self, mut command: Command) -> io::Result<Child> {
        keep_standard_streams(&mut command);
        take_signals(&mut command);
        limit(&mut command, self.limits.clone());
        let starter = move || {
            self.restrict_this_thread()?;
            command.spawn()
        };
        let thread = thread::Builder::new().name("sandbox-start".to_owned()).spawn(starter)?;
        thread.join().expect("the starting thread only makes system calls and reports their errors")
    }

    fn restrict_this_thread(&self) -> io::Result<()> {
        if let Some(files) = &self.files
            && files.restrict_this_thread()? == Landlock::Absent
        {
            return Err(io::Error::other("the kernel does not enforce Landlock rules"));
        }
        if let Some(user) = self.user {
            become_user(user)?;
        }
        for filter in &self.filters {
            seccompiler::apply_filter(filter).map_err(io::Error::other)?;
        }
        Ok(())
    }
}

impl FileRules {
    fn restrict_this_thread(&self) -> io::Result<Landlock> {
        let everything = AccessFs::from_all(LANDLOCK);
        let reading = AccessFs::from_read(LANDLOCK);
        let restricted = Ruleset::default()
            .handle_access(everything)
            .and_then(|rules| rules.handle_access(AccessNet::from_all(LANDLOCK)))
            .and_then(|rules| rules.scope(Scope::from_all(LANDLOCK)))
            .and_then(Ruleset::create)
            .and_then(|rules| rules.add_rules(path_beneath_rules(SYSTEM, reading)))
            .and_then(|rules| rules.add_rules(path_beneath_rules(&self.readable, reading)))
            .and_then(|rules| rules.add_rules(path_beneath_rules(DEVICES, reading | AccessFs::WriteFile)))
            .and_then(|rules| rules.add_rules(path_beneath_rules([&self.work], everything)))
            .and_then(|rules| rules.restrict_self());
        Ok(match restricted.map_err(io::Error::other)?.ruleset {
            RulesetStatus::FullyEnforced => Landlock::Full,
            RulesetStatus::PartiallyEnforced => Landlock::Partial,
            RulesetStatus::NotEnforced => Landlock::Absent,
        })
    }
}

/// What the kernel enforces, found out by restricting a thread that does nothing else.
pub(super) fn detect_landlock() -> Landlock {
    let rules = FileRules { work: PathBuf::from("/dev/null"), readable: Vec::new() };
    let probe = thread::Builder::new().name("sandbox-probe".to_owned());
    let Ok(thread) = probe.spawn(move || rules.restrict_this_thread()) else { return Landlock::Absent };
    match thread.join() {
        Ok(Ok(found)) => found,
        _ => Landlock::Absent,
    }
}
