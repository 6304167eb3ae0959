//! [`MockNaps`]: how often a mock has slept, woken and made place for another one; [`Sleeper`]: what of it sleeps.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::MockReply;
use crate::engine::SleepPart;

/// How often a mock has slept, woken and been replaced. Clones share the counts, so that a test can read them while the
/// engine thread owns the executor.
#[derive(Clone, Debug, Default)]
pub struct MockNaps {
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    sleeps: AtomicUsize,
    wakes: AtomicUsize,
    loads: AtomicUsize,
}

impl MockNaps {
    /// Number of times that it was put to sleep.
    #[must_use]
    pub fn sleeps(&self) -> usize {
        self.counts.sleeps.load(Ordering::Relaxed)
    }

    /// Number of parts that were woken, weights and caches.
    #[must_use]
    pub fn wakes(&self) -> usize {
        self.counts.wakes.load(Ordering::Relaxed)
    }

    /// Number of executors that were loaded to take its place.
    #[must_use]
    pub fn loads(&self) -> usize {
        self.counts.loads.load(Ordering::Relaxed)
    }
}

/// The state of a mock that can sleep.
#[derive(Clone, Debug, Default)]
pub(super) struct Sleeper {
    pub(super) naps: MockNaps,
    /// What the mock has released.
    asleep: Vec<SleepPart>,
    /// What the executor that takes its place answers; none: the same.
    update: Option<MockReply>,
}

impl Sleeper {
    /// The state of a mock that makes place for one with other replies.
    pub(super) fn updating(reply: MockReply) -> Self {
        Self { update: Some(reply), ..Self::default() }
    }

    /// What the executor that takes its place answers.
    pub(super) fn update(&self) -> Option<MockReply> {
        self.update.clone()
    }

    /// The state of an executor that was loaded to take the place of one with this state.
    pub(super) fn loaded(&self) -> Self {
        Self { naps: self.naps.clone(), asleep: vec![SleepPart::Cache], update: None }
    }

    pub(super) fn sleep(&mut self) {
        self.asleep = SleepPart::ALL.to_vec();
        self.naps.counts.sleeps.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn wake(&mut self, part: SleepPart) {
        self.asleep.retain(|asleep| *asleep != part);
        self.naps.counts.wakes.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_load(&self) {
        self.naps.counts.loads.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether nothing is released.
    pub(super) fn is_awake(&self) -> bool {
        self.asleep.is_empty()
    }
}
