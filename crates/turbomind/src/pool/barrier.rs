//! [`Barrier`]: chunks of a phase claimed from one counter, which also tells who is last.
//!
//! A member that finds no chunk left has finished its own, so the claims beyond the last chunk count the arrivals: the
//! member with the last of them resets the counter and turns the epoch, for which the others wait. One shared write per
//! chunk and member, and no reset can race: nobody touches the counter between the last arrival and the turn.

use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering::SeqCst};
use std::time::Instant;

use super::parking::{Parking, Patience};
use crate::{Error, Result};

/// Members work.
const OPEN: u8 = 0;
/// A member left the job with an error.
const STOPPED: u8 = 1;
/// A member panicked.
const POISONED: u8 = 2;

const SAME_PHASES: &str = "all members of a job enter the same phases";

/// A value on cache lines of its own (two, as the prefetcher fetches pairs).
#[derive(Debug, Default)]
#[repr(align(128))]
struct Alone<T>(T);

/// Where the members of a pool meet.
#[derive(Debug)]
pub(super) struct Barrier {
    members: usize,
    /// Claims of the current phase.
    claims: Alone<AtomicUsize>,
    /// Phases completed.
    epoch: Alone<AtomicUsize>,
    state: AtomicU8,
    /// Members that have ended the job.
    ended: AtomicUsize,
    parking: Parking,
    patience: Vec<Alone<Patience>>,
}

impl Barrier {
    pub(super) fn new(members: usize) -> Self {
        Self {
            members,
            claims: Alone::default(),
            epoch: Alone::default(),
            state: AtomicU8::new(OPEN),
            ended: AtomicUsize::new(0),
            parking: Parking::default(),
            patience: (0..members).map(|_| Alone::default()).collect(),
        }
    }

    pub(super) fn members(&self) -> usize {
        self.members
    }

    /// Makes ready for a job; no member is in one.
    pub(super) fn open(&self) -> Result<()> {
        self.check_poison()?;
        self.state.store(OPEN, SeqCst);
        self.claims.0.store(0, SeqCst);
        self.ended.store(0, SeqCst);
        Ok(())
    }

    /// [`Error::Poisoned`] when a member panicked.
    pub(super) fn check_poison(&self) -> Result<()> {
        if self.state.load(SeqCst) == POISONED { Err(Error::Poisoned) } else { Ok(()) }
    }

    /// One phase of member `index`.
    ///
    /// # Panics
    /// When another member has ended the job without this phase, which would never end.
    pub(super) fn phase(&self, index: usize, chunks: usize, mut work: impl FnMut(usize)) -> Result<()> {
        if self.is_stopped() {
            return Err(Error::Poisoned);
        }
        // It cannot turn before this member has arrived.
        let epoch = self.epoch.0.load(SeqCst);
        let started = Instant::now();
        let place = loop {
            let chunk = self.claims.0.fetch_add(1, SeqCst);
            if chunk >= chunks {
                break chunk - chunks;
            }
            work(chunk);
        };
        if place + 1 == self.members {
            self.claims.0.store(0, SeqCst);
            self.epoch.0.store(epoch.wrapping_add(1), SeqCst);
            self.parking.wake();
            return Ok(());
        }
        let turned = || self.epoch.0.load(SeqCst) != epoch;
        // In this order: after the last phase another member may turn the epoch and end before this one looks.
        assert!(self.ended.load(SeqCst) == 0 || turned(), "{SAME_PHASES}");
        self.patience[index].0.wait(&self.parking, started, || turned() || self.is_stopped());
        if turned() { Ok(()) } else { Err(Error::Poisoned) }
    }

    /// A member ends the job after its last phase.
    ///
    /// # Panics
    /// When another member is in a phase that this one has not entered, which would never end.
    pub(super) fn end(&self) {
        self.ended.fetch_add(1, SeqCst);
        assert!(self.claims.0.load(SeqCst) == 0, "{SAME_PHASES}");
    }

    /// A member leaves with an error: the phases of the others end.
    pub(super) fn stop(&self) {
        self.leave(STOPPED);
    }

    /// A member panicked.
    pub(super) fn poison(&self) {
        self.leave(POISONED);
    }

    fn leave(&self, state: u8) {
        self.state.fetch_max(state, SeqCst);
        self.parking.wake();
    }

    fn is_stopped(&self) -> bool {
        self.state.load(SeqCst) != OPEN
    }
}
