//! [`Turn`]: the clocks of a session, which start again with every piece of work that it is given.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Between two looks at whether a session ended that works, and one that waits.
const TICK: Duration = Duration::from_millis(20);
const RESTING_TICK: Duration = Duration::from_millis(200);
/// Between two samples of a session that works.
const BUSY: Duration = Duration::from_millis(50);
/// Between two samples of a session that waits: a quarter of the time that it has waited, within these bounds. A
/// sample costs milliseconds, and fifty sessions may wait.
const RESTING: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));

/// What a session is doing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Activity {
    Works,
    Waits,
}

/// The clocks of one session, shared by its owner and its watch.
#[derive(Debug)]
pub(super) struct Turn {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    since: Instant,
    activity: Activity,
    /// Processor time of the group when the turn began; the next sample finds it out.
    cpu_before: Option<u64>,
}

impl Turn {
    pub(super) fn begin() -> Self {
        let state = State { since: Instant::now(), activity: Activity::Works, cpu_before: None };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Starts the clocks again.
    pub(super) fn renew(&self, activity: Activity) {
        *self.lock() = State { since: Instant::now(), activity, cpu_before: None };
        self.changed.notify_all();
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.lock().since.elapsed()
    }

    /// Processor time of this turn, when the group has used `now` altogether. Times of processes that nobody waited
    /// for leave with them.
    pub(super) fn cpu_ticks(&self, now: u64) -> u64 {
        let mut state = self.lock();
        let before = state.cpu_before.map_or(now, |before| before.min(now));
        state.cpu_before = Some(before);
        now - before
    }

    pub(super) fn between_samples(&self) -> Duration {
        let state = self.lock();
        match state.activity {
            Activity::Works => BUSY,
            Activity::Waits => (state.since.elapsed() / 4).clamp(RESTING.0, RESTING.1),
        }
    }

    /// Waits for the next look.
    pub(super) fn wait(&self) {
        let state = self.lock();
        let tick = if state.activity == Activity::Works { TICK } else { RESTING_TICK };
        // Woken early or not: the watch looks again.
        drop(self.changed.wait_timeout(state, tick));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_counts_from_the_first_sample_of_a_turn() {
        let turn = Turn::begin();
        assert_eq!([turn.cpu_ticks(100), turn.cpu_ticks(130)], [0, 30]);
        // A process left together with its time.
        assert_eq!([turn.cpu_ticks(50), turn.cpu_ticks(60)], [0, 10]);
        turn.renew(Activity::Waits);
        assert_eq!([turn.cpu_ticks(60), turn.cpu_ticks(61)], [0, 1]);
        assert_eq!(turn.between_samples(), RESTING.0);
    }
}
