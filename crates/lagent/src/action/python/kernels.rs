//! [`Kernels`]: one Python process for each session, started ahead of its first use.
//!
//! A process that has run code of one session is never given to another: code can leave threads, patched modules and
//! files behind, and nothing inside the process can be trusted to remove them. What is reset between sessions is
//! therefore the whole process, and a spare one that has run nothing hides the time that it takes to start.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::Instant;

use internlm_kit::sandbox::{Level, Sandbox, SandboxConfig};

use super::cell::{Cell, CellEnd};
use super::launcher::Launcher;
use super::runtime::{Allowance, Runtime, START};
use crate::action::Readiness;

/// Seconds after which a process without work is ended.
const IDLE: f64 = 600.0;
/// Maximum number of sessions that have a process at the same time.
const SESSIONS: usize = 50;

/// A process, boxed because there are two kinds of it.
type Process = Box<dyn Runtime>;

/// The processes of one tool. Cloning is cheap; clones share them.
#[derive(Clone, Debug)]
pub(super) struct Kernels {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    sandbox: Sandbox,
    python: String,
    launcher: OnceLock<Launcher>,
    sessions: Mutex<BTreeMap<String, Arc<Slot>>>,
    /// Processes that have run nothing.
    spare: Mutex<Vec<Process>>,
    /// Whether a spare process is being started.
    starting: AtomicBool,
}

/// The process of one session. The lock is held while code runs, so a session runs one piece at a time.
#[derive(Debug)]
struct Slot {
    process: Mutex<Option<Process>>,
    used: Mutex<Instant>,
}

impl Kernels {
    /// Processes of the Python `python` under the limits of `sandbox`, whose wall clock becomes the time without work
    /// after which a process ends. The level is the proved one. Nothing is started yet.
    ///
    /// # Errors
    /// The sandbox does not work with that clock.
    pub(super) fn new(sandbox: &Sandbox, python: &str) -> crate::Result<Self> {
        let config: SandboxConfig = sandbox.config().clone().with_wall_seconds(IDLE);
        let sandbox = sandbox.with_config(config)?;
        Ok(Self::with_launcher(sandbox, python, OnceLock::new()))
    }

    fn with_launcher(sandbox: Sandbox, python: &str, launcher: OnceLock<Launcher>) -> Self {
        let shared = Shared {
            sandbox,
            python: python.to_owned(),
            launcher,
            sessions: Mutex::default(),
            spare: Mutex::default(),
            starting: AtomicBool::new(false),
        };
        Self { shared: Arc::new(shared) }
    }

    /// The same without Jupyter, even where it is installed.
    pub(super) fn without_jupyter(self) -> Self {
        let python = self.shared.python.clone();
        let launcher = OnceLock::from(Launcher::Plain(python.clone()));
        Self::with_launcher(self.shared.sandbox.clone(), &python, launcher)
    }

    /// Whether the Python that the processes need is there.
    pub(super) fn readiness(&self) -> Readiness {
        match self.shared.sandbox.find(&self.shared.python) {
            Ok(_) => Readiness::Ready,
            Err(error) => Readiness::Unavailable { reason: error.to_string() },
        }
    }

    pub(super) fn level(&self) -> Level {
        self.shared.sandbox.level()
    }

    /// Runs a piece of code in the process of a session.
    pub(super) fn execute(&self, session: &str, code: &str, allowance: Allowance<'_>) -> Cell {
        let slot = match self.shared.slot(session) {
            Ok(slot) => slot,
            Err(reason) => return Cell { end: CellEnd::Raised(reason), ..Cell::default() },
        };
        // Another call of the session may be using it.
        let Some(mut process) = allowance.lock(&slot.process) else {
            return Cell { end: CellEnd::Cancelled, ..Cell::default() };
        };
        // It ended while nobody used it, for instance because its time without work was up.
        let lost = process.take_if(|process| !process.is_alive()).is_some();
        let cell = match self.shared.take(&mut process, allowance) {
            Ok(running) => running.execute(code, allowance),
            Err(end) => Cell { end, ..Cell::default() },
        };
        if matches!(cell.end, CellEnd::Died(_)) {
            *process = None;
        }
        *lock(&slot.used) = Instant::now();
        drop(process);
        self.start_spare();
        if lost { restarted(cell) } else { cell }
    }

    /// Starts a spare process in the background unless there is one.
    fn start_spare(&self) {
        if !lock(&self.shared.spare).is_empty() || self.shared.starting.swap(true, Ordering::AcqRel) {
            return;
        }
        let shared = Arc::downgrade(&self.shared);
        let start = move || {
            // The tool may have gone meanwhile, and with it the use for a spare process.
            let Some(shared) = shared.upgrade() else { return };
            if let Ok(process) = shared.launcher().start(&shared.sandbox) {
                lock(&shared.spare).push(process);
            }
            shared.starting.store(false, Ordering::Release);
        };
        let named = thread::Builder::new().name("lagent-spare".to_owned());
        if named.spawn(start).is_err() {
            // The next process is started when it is needed.
            self.shared.starting.store(false, Ordering::Release);
        }
    }
}

impl Shared {
    fn launcher(&self) -> &Launcher {
        self.launcher.get_or_init(|| Launcher::detect(&self.sandbox, &self.python))
    }

    /// The slot of a session. When there are too many, the one that was not used for the longest time goes, unless
    /// its code is running.
    fn slot(&self, session: &str) -> Result<Arc<Slot>, String> {
        let mut sessions = lock(&self.sessions);
        if let Some(slot) = sessions.get(session) {
            return Ok(Arc::clone(slot));
        }
        if sessions.len() >= SESSIONS {
            // A slot that somebody else holds is in use or about to be.
            let unused = sessions.iter().filter(|(_, slot)| Arc::strong_count(slot) == 1);
            let oldest = unused.min_by_key(|(_, slot)| *lock(&slot.used)).map(|(name, _)| name.clone());
            let oldest =
                oldest.ok_or_else(|| format!("{SESSIONS} sessions are running code, try again later"))?;
            sessions.remove(&oldest);
        }
        let slot = Arc::new(Slot { process: Mutex::new(None), used: Mutex::new(Instant::now()) });
        sessions.insert(session.to_owned(), Arc::clone(&slot));
        Ok(slot)
    }

    /// The process in a slot; an empty one gets a spare or a new process.
    fn take<'a>(
        self: &Arc<Self>,
        slot: &'a mut Option<Process>,
        allowance: Allowance<'_>,
    ) -> Result<&'a mut Process, CellEnd> {
        let spare = || lock(&self.spare).pop().filter(|process| process.is_alive());
        let process = match slot.take().or_else(spare) {
            Some(process) => process,
            None => self.started(allowance)?,
        };
        Ok(slot.insert(process))
    }

    /// Starts a process on a thread of its own: a call that is cancelled meanwhile does not wait for it, and leaves it
    /// as a spare one.
    fn started(self: &Arc<Self>, allowance: Allowance<'_>) -> Result<Process, CellEnd> {
        let raised = |reason: String| CellEnd::Raised(format!("Python: {reason}"));
        let (sender, receiver) = sync_channel(0);
        let shared = Arc::clone(self);
        let start = move || {
            let started = shared.launcher().start(&shared.sandbox);
            if let Err(SendError(Ok(unwanted))) = sender.send(started) {
                lock(&shared.spare).push(unwanted);
            }
        };
        let named = thread::Builder::new().name("lagent-start".to_owned());
        named.spawn(start).map_err(|error| raised(error.to_string()))?;
        // Once for the look at what is installed, and once for the start.
        let limit = 2 * START;
        match allowance.receive(&receiver, Instant::now() + limit) {
            Ok(started) => started.map_err(raised),
            Err(_) if allowance.is_cancelled() => Err(CellEnd::Cancelled),
            Err(_) => Err(raised(format!("it did not start within {} s", limit.as_secs()))),
        }
    }
}

/// Tells the model that its variables are gone, which explains the errors that follow.
fn restarted(cell: Cell) -> Cell {
    let note = "[the Python process had ended and was started again: earlier variables are gone]\n";
    Cell { text: format!("{note}{}", cell.text), ..cell }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
