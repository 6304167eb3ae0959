//! [`HttpCounts`]: how many requests have been answered on which route, and how many wait for a place.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedSemaphorePermit;

/// Counts of HTTP requests.
#[derive(Debug, Default)]
pub(super) struct HttpCounts {
    answered: Mutex<BTreeMap<(String, u16), u64>>,
    waiting: AtomicU64,
    handled: AtomicU64,
}

/// A request that is handled, until this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    counts: Arc<HttpCounts>,
    /// None when there is no limit.
    _permit: Option<OwnedSemaphorePermit>,
}

impl Place {
    /// Counts the request that has got `permit`.
    pub(super) fn new(counts: Arc<HttpCounts>, permit: Option<OwnedSemaphorePermit>) -> Self {
        counts.handled.fetch_add(1, Ordering::Relaxed);
        Self { counts, _permit: permit }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.counts.handled.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A request that waits for a place, until this is dropped.
pub(super) struct Waiting<'a>(&'a HttpCounts);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

impl HttpCounts {
    /// Counts a request whose answer has ended.
    pub(super) fn count(&self, route: &str, status: u16) {
        let mut answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        *answered.entry((route.to_owned(), status)).or_default() += 1;
    }

    /// Counts a request that waits for a place.
    pub(super) fn wait(&self) -> Waiting<'_> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        Waiting(self)
    }

    /// Number of inference requests that wait for a place, and of those that have one.
    pub(super) fn waiting_and_handled(&self) -> (u64, u64) {
        (self.waiting.load(Ordering::Relaxed), self.handled.load(Ordering::Relaxed))
    }

    /// Number of answers by route and status, in order.
    pub(super) fn answered(&self) -> Vec<((String, u16), u64)> {
        let answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        answered.iter().map(|(key, count)| (key.clone(), *count)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_counted_by_route_and_status() {
        let counts = HttpCounts::default();
        for (route, status) in [("/b", 200), ("/a", 400), ("/b", 200), ("/b", 503)] {
            counts.count(route, status);
        }
        let key = |route: &str, status| (route.to_owned(), status);
        let expected = [(key("/a", 400), 1), (key("/b", 200), 2), (key("/b", 503), 1)];
        assert_eq!(counts.answered(), expected);
    }

    #[test]
    fn whoever_waits_or_is_handled_is_counted_as_long() {
        let counts = Arc::new(HttpCounts::default());
        let (waiting, place) = (counts.wait(), Place::new(Arc::clone(&counts), None));
        assert_eq!(counts.waiting_and_handled(), (1, 1));
        drop(waiting);
        assert_eq!(counts.waiting_and_handled(), (0, 1));
        drop(place);
        assert_eq!(counts.waiting_and_handled(), (0, 0));
    }
}
