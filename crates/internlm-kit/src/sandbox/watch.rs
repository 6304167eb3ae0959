//! Watching a running program: its end, its wall clock, its memory, its output and its folder.

use std::fs;
use std::path::Path;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use rustix::param::clock_ticks_per_second;
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use super::group::ProcessGroup;
use super::output::Capture;
use super::user::field;
use super::{SandboxConfig, SandboxError, Status};

/// Between two looks at whether the program ended.
const TICK: Duration = Duration::from_millis(2);
/// Between two samples of memory and folder size.
const SAMPLE: Duration = Duration::from_millis(50);
/// A work folder with more entries than this counts as over its limit.
const ENTRIES: usize = 20_000;
const MIB: u64 = 1 << 20;

/// One program being watched.
#[derive(Debug)]
pub(super) struct Watch<'a> {
    pub(super) config: &'a SandboxConfig,
    pub(super) limits: Limits,
    pub(super) group: &'a ProcessGroup,
    pub(super) work: &'a Path,
    pub(super) outputs: [&'a Capture; 2],
}

/// Whether the level has resource limits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Limits {
    Enforced,
    Off,
}

/// What the watch saw.
#[derive(Debug)]
pub(super) struct Seen {
    /// Why the watch killed the group; `None` when the program ended by itself.
    pub(super) killed: Option<Status>,
    /// The end of the first process.
    pub(super) exit: ExitStatus,
    pub(super) wall: Duration,
    pub(super) cpu_seconds: f64,
    pub(super) peak_memory: u64,
}

impl Watch<'_> {
    /// Waits for the end; afterwards no process of the group is alive.
    pub(super) fn until_end(&self, child: &mut Child) -> Result<Seen, SandboxError> {
        let started = Instant::now();
        let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let id = id.expect("a child's process number is positive");
        let mut next_sample = started;
        let mut peak = Use::default();
        let killed = loop {
            // The zombie is left in place: its times are read below.
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
            if waitid(WaitId::Pid(id), options)
                .map_err(SandboxError::system("wait for the program"))?
                .is_some()
            {
                break None;
            }
            if let Some(status) = self.over_limit(started.elapsed()) {
                break Some(status);
            }
            if Instant::now() >= next_sample {
                next_sample = Instant::now() + SAMPLE;
                let found = group_use(self.group.id());
                peak = peak.max(found);
                if let Some(status) = self.over_sample(found.memory) {
                    break Some(status);
                }
            }
            std::thread::sleep(TICK);
        };
        self.group.kill();
        // Where nothing forbids it, the program may have left the group.
        let _ = child.kill();
        let wall = started.elapsed();
        // Blocks until the killed process is a zombie, which still has its times.
        waitid(WaitId::Pid(id), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)
            .map_err(SandboxError::system("wait for the program"))?;
        // A helper does not always wait for the program: then the samples know more than its own times.
        let ticks = cpu_ticks(&Path::new("/proc").join(id.as_raw_nonzero().to_string())).max(peak.cpu_ticks);
        let cpu_seconds = ticks as f64 / clock_ticks_per_second() as f64;
        let exit = child.wait().map_err(SandboxError::system("wait for the program"))?;
        Ok(Seen { killed, exit, wall, cpu_seconds, peak_memory: peak.memory })
    }

    fn over_limit(&self, elapsed: Duration) -> Option<Status> {
        if self.outputs.iter().any(|output| output.is_over()) {
            return Some(Status::OutputLimit);
        }
        (elapsed.as_secs_f64() >= self.config.wall_seconds).then_some(Status::Timeout)
    }

    fn over_sample(&self, memory: u64) -> Option<Status> {
        if self.limits == Limits::Off {
            return None;
        }
        if memory > self.config.memory_mib * MIB {
            return Some(Status::MemoryLimit);
        }
        let limit = self.config.folder_mib * MIB;
        (folder_size(self.work, &mut ENTRIES.clone()) > limit).then_some(Status::DiskLimit)
    }
}

/// What the processes of a group use together.
#[derive(Clone, Copy, Debug, Default)]
struct Use {
    /// Anonymous and shared memory, bytes. Pages shared after a fork count twice.
    memory: u64,
    /// Processor time, waited-for children included.
    cpu_ticks: u64,
}

impl Use {
    fn max(self, other: Self) -> Self {
        Self { memory: self.memory.max(other.memory), cpu_ticks: self.cpu_ticks.max(other.cpu_ticks) }
    }
}

fn group_use(group: Pid) -> Use {
    let group = group.as_raw_nonzero().get().to_string();
    let Ok(entries) = fs::read_dir("/proc") else { return Use::default() };
    let members = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| stat_field(path, GROUP_FIELD).is_some_and(|found| found == group));
    members.fold(Use::default(), |sum, path| {
        let status = fs::read_to_string(path.join("status")).unwrap_or_default();
        let kib = |key| field(&status, key).and_then(|size| size.parse::<u64>().ok()).unwrap_or(0);
        Use {
            memory: sum.memory + (kib("RssAnon:") + kib("RssShmem:")) * 1024,
            cpu_ticks: sum.cpu_ticks + cpu_ticks(&path),
        }
    })
}

/// Fields of `/proc/N/stat` counted after the command's name, which may hold blanks (proc(5) numbers - 3).
const GROUP_FIELD: usize = 2;
const FIRST_TIME_FIELD: usize = 11;

fn stat_field(process: &Path, index: usize) -> Option<String> {
    let text = fs::read_to_string(process.join("stat")).ok()?;
    let (_, fields) = text.rsplit_once(')')?;
    fields.split_whitespace().nth(index).map(str::to_owned)
}

/// User and system time of a process and of its waited-for children: four neighboring fields.
fn cpu_ticks(process: &Path) -> u64 {
    (FIRST_TIME_FIELD..FIRST_TIME_FIELD + 4)
        .filter_map(|index| stat_field(process, index)?.parse::<u64>().ok())
        .sum()
}

/// Bytes of all files below `folder`; `u64::MAX` when there are more than `entries` of them.
fn folder_size(folder: &Path, entries: &mut usize) -> u64 {
    let Ok(found) = fs::read_dir(folder) else { return 0 };
    let mut size = 0_u64;
    for entry in found.flatten() {
        if *entries == 0 {
            return u64::MAX;
        }
        *entries -= 1;
        // Does not follow symbolic links.
        let Ok(metadata) = entry.metadata() else { continue };
        let below = if metadata.is_dir() { folder_size(&entry.path(), entries) } else { metadata.len() };
        size = size.saturating_add(below);
    }
    size
}
