//! Sleep, wake and other weights on the engine thread, between two steps.

use std::collections::BTreeSet;

use super::Runner;
use super::compute::guarded;
use crate::engine::command::{Reply, RestError};
use crate::engine::gauges::RestState;
use crate::engine::{ExecuteError, Executor, SleepLevel, SleepPart};

/// What is released, and what is to be.
#[derive(Default)]
pub(super) struct Rest {
    asleep: BTreeSet<SleepPart>,
    /// How deeply it sleeps.
    level: SleepLevel,
    /// Released parts that somebody wants back.
    wanted: BTreeSet<SleepPart>,
    /// Set from a request to sleep until it is carried out.
    pending: Option<Pending>,
}

/// A sleep that waits for the running requests to end.
struct Pending {
    level: SleepLevel,
    /// Everybody who waits for it.
    replies: Vec<Reply>,
}

impl Runner {
    /// Whether new requests are refused.
    pub(super) fn rests(&self) -> bool {
        self.rest.pending.is_some() || !self.rest.asleep.is_empty()
    }

    /// Refuses new requests from now on; the sleep itself comes when the running ones have ended.
    pub(super) fn plan_sleep(&mut self, level: SleepLevel, reply: Reply) {
        let pending = self.rest.pending.get_or_insert_with(|| Pending { level, replies: Vec::new() });
        pending.level = level;
        pending.replies.push(reply);
        self.report_rest(None);
    }

    /// Sleeps if somebody has asked for it. Nothing runs.
    pub(super) fn fall_asleep(&mut self) {
        let Some(Pending { level, replies }) = self.rest.pending.take() else { return };
        let slept = guarded(|| self.executor.sleep(level));
        match &slept {
            Ok(()) => {
                self.rest.asleep = SleepPart::ALL.into();
                self.rest.wanted.clear();
                self.rest.level = level;
                self.forget();
                tracing::info!(?level, "weights and cache are released");
            }
            Err(error) => tracing::error!(%error, "the engine cannot sleep"),
        }
        self.report_rest(None);
        for reply in replies {
            answer(&reply, slept.clone().map_err(RestError::from));
        }
    }

    /// Gets back what of `parts` is released. Whoever waits for a sleep does so in vain.
    pub(super) fn wake(&mut self, parts: &[SleepPart], reply: &Reply) {
        for waiting in self.rest.pending.take().into_iter().flat_map(|pending| pending.replies) {
            answer(&waiting, Err(RestError::Woken));
        }
        self.rest.wanted.extend(parts.iter().filter(|part| self.rest.asleep.contains(part)));
        let woken = self.wake_wanted();
        let failure = woken.as_ref().err().map(ToString::to_string);
        if let Some(error) = &failure {
            tracing::error!(error, "the engine cannot wake");
            self.rest.wanted.clear();
        } else if self.rest.asleep.is_empty() {
            tracing::info!("weights and cache are back");
        }
        self.report_rest(failure);
        answer(reply, woken.map_err(RestError::from));
    }

    /// Wakes what is wanted, in order: there is no cache without weights.
    fn wake_wanted(&mut self) -> Result<(), ExecuteError> {
        for part in SleepPart::ALL {
            if !self.rest.asleep.contains(&part) {
                continue;
            }
            if !self.rest.wanted.remove(&part) {
                return Ok(());
            }
            guarded(|| self.executor.wake(part))?;
            self.rest.asleep.remove(&part);
        }
        Ok(())
    }

    /// Computes with `executor` from now on, whose weights are awake and whose cache is asleep.
    pub(super) fn replace(&mut self, mut executor: Box<dyn Executor>, reply: &Reply) {
        let (asleep, level) = (&self.rest.asleep, self.rest.level);
        let ready = guarded(|| {
            if asleep.contains(&SleepPart::Weights) {
                executor.sleep(level)
            } else if asleep.contains(&SleepPart::Cache) {
                Ok(())
            } else {
                executor.wake(SleepPart::Cache)
            }
        });
        match &ready {
            Ok(()) => {
                self.executor = executor;
                self.forget();
                tracing::info!("other weights are in place");
            }
            Err(error) => tracing::error!(%error, "the old weights stay in place"),
        }
        answer(reply, ready.map_err(RestError::from));
    }

    /// Leaves nothing of the keys and values that have been computed.
    fn forget(&mut self) {
        self.scheduler.restart();
        self.shared.gauges.set(self.scheduler.stats());
    }

    fn report_rest(&self, failure: Option<String>) {
        let asleep = self.rest.asleep.iter().copied().collect();
        self.shared.gauges.set_rest(RestState { refuses: self.rests(), asleep, failure });
    }
}

/// Nobody listens when whoever asked has ended.
fn answer(reply: &Reply, done: Result<(), RestError>) {
    let _ = reply.send(done);
}
