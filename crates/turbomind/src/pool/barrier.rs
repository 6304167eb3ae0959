//! [`Barrier`]: chunks of a phase claimed one by one, and members that wait for each other at its end.
//!
//! Every member has a contiguous share of the chunks and takes them in rising order; a member that has finished its share
//! continues with what the others have left. So the same member gets the same rows and columns in phase after phase,
//! which are then in its cache, and a member that the system takes off its core still delays one chunk only. The last
//! member to arrive resets the claims and turns the epoch, for which the others wait: nobody touches the claims between
//! the last arrival and the turn.

use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering::SeqCst};
use std::time::Instant;

use super::parking::{Parking, Patience};
use crate::{Error, Result};

/// State of a job in which all members work.
const OPEN: u8 = 0;
/// State after a member left the job with an error.
const STOPPED: u8 = 1;
/// State after a member panicked; it is never left.
const POISONED: u8 = 2;

const SAME_PHASES: &str = "all members of a job enter the same phases";

/// A value on separate cache lines (two, because the prefetcher fetches pairs), so that members do not slow each other.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Alone<T>(T);

/// Where the members of a pool meet.
#[derive(Debug)]
pub(super) struct Barrier {
    members: usize,
    /// Claims of each member's share of the current phase.
    claims: Vec<Alone<AtomicUsize>>,
    /// Members that found nothing left of it.
    arrived: Alone<AtomicUsize>,
    /// Number of phases completed; its change is what members wait for.
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
            claims: (0..members).map(|_| Alone::default()).collect(),
            arrived: Alone::default(),
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

    /// Prepares for a job; no member may be in one.
    pub(super) fn open(&self) -> Result<()> {
        self.check_poison()?;
        self.state.store(OPEN, SeqCst);
        self.reset();
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
        for owner in (index..self.members).chain(0..index) {
            let (first, end) = (self.share(owner, chunks), self.share(owner + 1, chunks));
            loop {
                let chunk = first + self.claims[owner].0.fetch_add(1, SeqCst);
                if chunk >= end {
                    break;
                }
                work(chunk);
            }
        }
        if self.arrived.0.fetch_add(1, SeqCst) + 1 == self.members {
            self.reset();
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

    /// The first chunk of a member's share.
    fn share(&self, member: usize, chunks: usize) -> usize {
        chunks * member / self.members
    }

    /// Nothing is claimed and nobody has arrived.
    fn reset(&self) {
        self.claims.iter().for_each(|claims| claims.0.store(0, SeqCst));
        self.arrived.0.store(0, SeqCst);
    }

    /// A member ends the job after its last phase.
    ///
    /// # Panics
    /// When another member is in a phase that this one has not entered, which would never end.
    pub(super) fn end(&self) {
        self.ended.fetch_add(1, SeqCst);
        assert!(self.arrived.0.load(SeqCst) == 0, "{SAME_PHASES}");
    }

    /// A member leaves with an error: the phases of the others end.
    pub(super) fn stop(&self) {
        self.leave(STOPPED);
    }

    /// A member panicked: the pool is unusable from now on.
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
