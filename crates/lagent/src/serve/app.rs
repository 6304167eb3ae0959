//! [`App`]: the state that all handlers share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use super::ServeConfig;
use super::agents::{Agents, ServedAgent};
use super::archive::Archive;
use super::counts::Counts;
use super::drive::{Scene, Stop};
use super::failure::Failure;
use super::outcome;
use super::parked::{ParkedRun, ParkedRuns};
use super::runs::Runs;
use super::sessions::{Session, Sessions};
use super::tenants::Tenants;
use crate::Result;
use crate::run::FailReason;

/// The state that all handlers share. Cheap to clone.
#[derive(Clone, Debug)]
pub struct App {
    pub(super) config: Arc<ServeConfig>,
    pub(super) agents: Agents,
    pub(super) tenants: Tenants,
    pub(super) archive: Archive,
    pub(super) sessions: Arc<Sessions>,
    pub(super) runs: Arc<Runs>,
    pub(super) parked: Arc<ParkedRuns>,
    pub(super) counts: Arc<Counts>,
    /// When the server was started, in Unix seconds.
    pub(super) started: u64,
    draining: Arc<AtomicBool>,
}

impl App {
    /// Creates the state of a server with these agents.
    ///
    /// # Errors
    /// [`Error::Memory`](crate::Error::Memory) when the database of the sessions cannot be opened.
    pub fn new(agents: Agents, config: &ServeConfig) -> Result<Self> {
        let started = unix_seconds(SystemTime::now());
        let idle = config.session_idle();
        Ok(Self {
            agents,
            tenants: Tenants::new(config),
            archive: Archive::open(config.memory.as_deref())?,
            sessions: Arc::new(Sessions::new(idle, config.max_sessions)),
            runs: Arc::new(Runs::new(config.keep_runs, started)),
            parked: Arc::new(ParkedRuns::new(idle, config.max_sessions)),
            counts: Arc::default(),
            started,
            draining: Arc::default(),
            config: Arc::new(config.clone()),
        })
    }

    /// Answers new questions with 503 from now on; running ones continue, and those that wait for their clients end.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::SeqCst);
        for run in self.parked.remove_all() {
            self.abandon(&run);
        }
    }

    /// Returns whether new questions are answered with 503.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }

    /// The agent of a request; status 404 for a name that no agent has.
    pub(super) fn agent(&self, name: Option<&str>) -> Result<Arc<ServedAgent>, Failure> {
        let found = self.agents.find(name).cloned();
        found.ok_or_else(|| {
            let (found, known) = (name.unwrap_or_default(), self.agents.names().join(", "));
            let message = format!("agent: found `{found}`, expected one of {known}");
            Failure { param: Some("agent".to_owned()), ..Failure::new(404, message) }
        })
    }

    /// Makes room for one more run. When there are too many unfinished ones, the one that has waited for its client for
    /// the longest time is ended; status 503 when no run waits for its client.
    pub(super) fn make_room(&self) -> Result<(), Failure> {
        let max = self.config.max_sessions;
        if self.runs.unfinished() < max {
            return Ok(());
        }
        let oldest = self.parked.remove_oldest();
        let oldest = oldest.ok_or_else(|| {
            Failure::new(503, format!("found {max} unfinished questions, as many as this server takes"))
        })?;
        self.abandon(&oldest);
        Ok(())
    }

    /// Drops the sessions and parked runs that were unused for too long.
    pub(super) async fn drop_idle(&self) {
        for run in self.parked.remove_idle() {
            self.abandon(&run);
        }
        for session in self.sessions.drop_idle() {
            self.dropped(&session).await;
        }
    }

    /// Forgets a session that has been dropped, unless it is in a database.
    pub(super) async fn dropped(&self, session: &Session) {
        // It may have been opened again meanwhile.
        if self.archive.is_lasting() || self.sessions.is_open(&session.key) {
            return;
        }
        let Session { key, agent, .. } = session;
        if let Err(failure) = self.archive.forget(key, &agent.machine).await {
            let error = failure.message;
            tracing::warn!(session = key.as_str(), error, "a session could not be forgotten");
        }
    }

    /// Ends a parked run whose client does not come back.
    pub(super) fn abandon(&self, run: &ParkedRun) {
        self.end(&run.scene, Stop::Failed(FailReason::Cancelled, None));
    }

    /// Ends a run, counts it, and only then tells whoever waits for it.
    pub(super) fn end(&self, scene: &Scene, stop: Stop) {
        outcome::settle(scene, stop);
        let info = scene.run.info();
        self.counts.end(&info);
        tracing::info!(
            run = info.id,
            agent = info.agent,
            status = ?info.status,
            turns = info.used.turns,
            tool_calls = info.used.tool_calls,
            "run ended"
        );
        self.runs.has_ended(info.id);
        scene.run.announce();
    }
}

/// A time in whole Unix seconds; 0 before 1970.
pub(super) fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
