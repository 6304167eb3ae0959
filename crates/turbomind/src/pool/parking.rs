//! [`Parking`]: waiting for a condition, first spinning, then asleep; [`Patience`]: whether spinning is worth it.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed, Ordering::SeqCst};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Number of checks of the condition between two readings of the clock, which cost more than a check.
const LOOKS: usize = 8;
/// How long a member spins at the end of a phase.
const SPIN: Duration = Duration::from_micros(30);
/// Number of waits in a row in which spinning did not help, after which it is switched off.
const VAIN: u32 = 4;
/// Number of waits without spinning before it is tried again.
const PAUSE: u32 = 256;

/// Where threads sleep until a condition holds.
///
/// The condition must consist of `SeqCst` loads. The thread that makes it true does so with `SeqCst` writes and then
/// calls [`Parking::wake`], so either the waker sees the sleeper or the sleeper sees the change.
#[derive(Debug, Default)]
pub(super) struct Parking {
    sleepers: AtomicUsize,
    door: Mutex<()>,
    bell: Condvar,
}

impl Parking {
    /// Wakes all sleepers to look at their conditions; costs one load when nobody sleeps.
    pub(super) fn wake(&self) {
        if self.sleepers.load(SeqCst) > 0 {
            drop(self.door());
            self.bell.notify_all();
        }
    }

    /// Returns when `ready` holds; spins for `spin` before it sleeps.
    pub(super) fn wait(&self, spin: Duration, ready: impl Fn() -> bool) {
        if !spin_until(Instant::now(), spin, &ready) {
            self.sleep(ready);
        }
    }

    fn sleep(&self, ready: impl Fn() -> bool) {
        self.sleepers.fetch_add(1, SeqCst);
        let mut door = self.door();
        while !ready() {
            door = self.bell.wait(door).unwrap_or_else(PoisonError::into_inner);
        }
        drop(door);
        self.sleepers.fetch_sub(1, SeqCst);
    }

    fn door(&self) -> MutexGuard<'_, ()> {
        self.door.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether `ready` holds within `limit` after `start`.
fn spin_until(start: Instant, limit: Duration, ready: impl Fn() -> bool) -> bool {
    loop {
        for _ in 0..LOOKS {
            if ready() {
                return true;
            }
            std::hint::spin_loop();
        }
        if start.elapsed() >= limit {
            return ready();
        }
    }
}

/// What one member has learned from its waits: whether spinning helps.
///
/// Spinning does not help when other work keeps the members from running at the same time. It then takes the core from
/// the very members that are waited for.
#[derive(Debug, Default)]
pub(super) struct Patience {
    vain: AtomicU32,
    pause: AtomicU32,
}

impl Patience {
    /// Returns when `ready` holds; the member has worked since `started`.
    pub(super) fn wait(&self, parking: &Parking, started: Instant, ready: impl Fn() -> bool) {
        let arrived = Instant::now();
        let pause = self.pause.load(Relaxed);
        if pause > 0 {
            self.pause.store(pause - 1, Relaxed);
            return parking.sleep(ready);
        }
        if spin_until(arrived, SPIN, &ready) {
            return self.vain.store(0, Relaxed);
        }
        parking.sleep(ready);
        let vain = if arrived.elapsed() > arrived - started { self.vain.load(Relaxed) + 1 } else { 0 };
        self.vain.store(vain % VAIN, Relaxed);
        if vain == VAIN {
            self.pause.store(PAUSE, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;

    #[test]
    fn sleepers_wake_when_their_condition_holds() {
        let (parking, ready) = (Parking::default(), AtomicBool::new(false));
        std::thread::scope(|scope| {
            for spin in [Duration::ZERO, SPIN, Duration::from_millis(5)] {
                let (parking, ready) = (&parking, &ready);
                scope.spawn(move || {
                    parking.wait(spin, || ready.load(SeqCst));
                    assert!(ready.load(SeqCst));
                });
            }
            std::thread::sleep(Duration::from_millis(2));
            ready.store(true, SeqCst);
            parking.wake();
        });
        assert_eq!(parking.sleepers.load(SeqCst), 0);
    }

    /// One wait of a member that has worked for no time at all and falls asleep before the condition holds.
    fn vain_wait(parking: &Parking, patience: &Patience) {
        let ready = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while parking.sleepers.load(SeqCst) == 0 {
                    std::thread::yield_now();
                }
                ready.store(true, SeqCst);
                parking.wake();
            });
            // A start in the future: any sleep is longer than the work.
            let started = Instant::now() + Duration::from_secs(60);
            patience.wait(parking, started, || ready.load(SeqCst));
        });
    }

    #[test]
    fn spinning_that_does_not_help_is_switched_off_for_a_while() {
        let (parking, patience) = (Parking::default(), Patience::default());
        for round in 1..=VAIN {
            vain_wait(&parking, &patience);
            let paused = patience.pause.load(Relaxed) > 0;
            assert_eq!(paused, round == VAIN, "round {round}");
        }
        vain_wait(&parking, &patience);
        assert_eq!(patience.pause.load(Relaxed), PAUSE - 1);
        patience.pause.store(0, Relaxed);
        // A condition that holds at once shows that spinning helps again.
        vain_wait(&parking, &patience);
        patience.wait(&parking, Instant::now(), || true);
        assert_eq!(patience.vain.load(Relaxed), 0);
    }
}
