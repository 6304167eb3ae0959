//! Watching a running program: its end, its wall clock, its memory, its output and what it holds on the disk.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use rustix::param::clock_ticks_per_second;
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use super::disk::{Held, held_by, held_in};
use super::group::ProcessGroup;
use super::output::Capture;
use super::process::{cpu_ticks, living_threads, members};
use super::suspicion::{Sight, Suspicion};
use super::turn::Turn;
use super::user::{become_user, field};
use super::{SandboxConfig, SandboxError, Status};
use crate::stop::Stop;

/// Between two looks at whether the program ended.
const TICK: Duration = Duration::from_millis(2);
/// Between two samples of memory and disk.
const SAMPLE: Duration = Duration::from_millis(50);
const MIB: u64 = 1 << 20;

/// One program being watched.
#[derive(Debug)]
pub(super) struct Watch<'a> {
    pub(super) config: &'a SandboxConfig,
    pub(super) limits: Limits,
    pub(super) group: &'a ProcessGroup,
    /// The folder whose contents count.
    pub(super) held: &'a Path,
    /// The number of the programs' user, when it is not ours: only the same user may look at open files.
    pub(super) user: Option<u32>,
    /// Whether a process that hides its open files is killed: only where those of an honest one can be seen.
    pub(super) sight: Sight,
    pub(super) outputs: &'a [&'a Capture],
    /// The clock of a session; a run has its own.
    pub(super) turn: Option<&'a Turn>,
    /// The wish of the caller that the program ends.
    pub(super) stop: &'a Stop,
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
    /// What could not be looked into.
    pub(super) suspicion: Suspicion,
}

/// One look at the whole group.
#[derive(Clone, Debug)]
struct Sample {
    used: Use,
    held: Held,
}

impl Watch<'_> {
    /// Waits for the end; afterwards no process of the group is alive.
    pub(super) fn until_end(&self, child: &mut Child) -> Result<Seen, SandboxError> {
        let started = Instant::now();
        let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let id = id.expect("a child's process number is positive");
        let mut last_sample: Option<Instant> = None;
        let mut peak = Use::default();
        let mut suspicion = Suspicion::default();
        let killed = loop {
            // The zombie is left in place: its times are read below.
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
            if waitid(WaitId::Pid(id), options)
                .map_err(SandboxError::system("wait for the program"))?
                .is_some()
            {
                break None;
            }
            if let Some(status) = self.over_limit(self.turn.map_or_else(|| started.elapsed(), Turn::elapsed))
            {
                break Some(status);
            }
            let between = self.turn.map_or(SAMPLE, Turn::between_samples);
            if last_sample.is_none_or(|last| last.elapsed() >= between) {
                last_sample = Some(Instant::now());
                let sample = self.sample();
                peak = peak.max(sample.used);
                let over = self.over_sample(&sample);
                let hides = suspicion.add(sample.held.hidden) && self.sight == Sight::Clear;
                let hides = hides && self.limits == Limits::Enforced;
                if let Some(status) = over.or_else(|| hides.then_some(Status::DiskLimit)) {
                    break Some(status);
                }
            }
            match self.turn {
                None => thread::sleep(TICK),
                Some(turn) => turn.wait(),
            }
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
        Ok(Seen { killed, exit, wall, cpu_seconds, peak_memory: peak.memory, suspicion })
    }

    fn over_limit(&self, elapsed: Duration) -> Option<Status> {
        if self.stop.is_requested() {
            return Some(Status::Stopped);
        }
        if self.outputs.iter().any(|output| output.is_over()) {
            return Some(Status::OutputLimit);
        }
        (elapsed.as_secs_f64() >= self.config.wall_seconds).then_some(Status::Timeout)
    }

    /// The limit that a sample is over.
    fn over_sample(&self, sample: &Sample) -> Option<Status> {
        if self.limits == Limits::Off {
            return None;
        }
        if sample.used.memory > self.config.memory_mib * MIB {
            return Some(Status::MemoryLimit);
        }
        let cpu = self.turn.map_or(0, |turn| turn.cpu_ticks(sample.used.cpu_ticks));
        if cpu > self.config.cpu_seconds.saturating_mul(clock_ticks_per_second()) {
            return Some(Status::CpuLimit);
        }
        let over = sample.held.bytes > self.config.folder_mib * MIB;
        over.then_some(Status::DiskLimit)
    }

    /// Looks at the folder and at every process of the group.
    fn sample(&self) -> Sample {
        // As ourselves: root sees what the program's user has hidden from itself.
        let folder = held_in(self.held);
        let Sample { used, held } = self.look_as_user();
        Sample { used, held: held.and(folder) }
    }

    /// Looks at the processes, from a thread that becomes their user when that is another one.
    fn look_as_user(&self) -> Sample {
        let Some(user) = self.user else { return self.look() };
        thread::scope(|scope| {
            let named = thread::Builder::new().name("sandbox-look".to_owned());
            let looking = named.spawn_scoped(scope, || {
                // The worst that a failure does is that open files stay unseen, which the sample says.
                let _ = become_user(user);
                self.look()
            });
            // Without a thread, what we may see ourselves.
            let Ok(looking) = looking else { return self.look() };
            looking.join().expect("looking only reads files of /proc")
        })
    }

    fn look(&self) -> Sample {
        let members = members(self.group.id());
        Sample { used: group_use(&members), held: held_by(&members) }
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

fn group_use(members: &[PathBuf]) -> Use {
    members.iter().fold(Use::default(), |sum, path| {
        // Threads share their memory, so any of them shows it.
        let thread = living_threads(path).into_iter().next().unwrap_or_else(|| path.clone());
        let status = fs::read_to_string(thread.join("status")).unwrap_or_default();
        let kib = |key| field(&status, key).and_then(|size| size.parse::<u64>().ok()).unwrap_or(0);
        Use {
            memory: sum.memory + (kib("RssAnon:") + kib("RssShmem:")) * 1024,
            cpu_ticks: sum.cpu_ticks + cpu_ticks(path),
        }
    })
}
