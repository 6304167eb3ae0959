//! [`Stopwatch`]: when the parts of one request began and ended.

use std::time::Instant;

use crate::engine::Times;

/// Takes down when a request began to run, and when its ids came.
#[derive(Debug, Default)]
pub(super) struct Stopwatch {
    begun: Option<Instant>,
    first: Option<Instant>,
    last: Option<Instant>,
}

impl Stopwatch {
    /// The request holds blocks for the first time.
    pub(super) fn begin(&mut self) {
        self.begun.get_or_insert_with(Instant::now);
    }

    /// The next id is there.
    pub(super) fn token(&mut self) {
        let now = Instant::now();
        self.first.get_or_insert(now);
        self.last = Some(now);
    }

    /// What has been taken down, at the end of the request.
    pub(super) fn times(&self) -> Times {
        let Some(begun) = self.begun else { return Times::default() };
        let first = self.first.unwrap_or_else(Instant::now);
        let last = self.last.unwrap_or(first);
        Times {
            prompt: first.saturating_duration_since(begun),
            answer: last.saturating_duration_since(first),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn parts_add_up_to_the_whole() {
        assert_eq!(Stopwatch::default().times(), Times::default(), "it never ran");
        let begun = Instant::now();
        let at = |milliseconds| Some(begun + Duration::from_millis(milliseconds));
        let watch = Stopwatch { begun: at(0), first: at(20), last: at(50) };
        let expected = Times { prompt: Duration::from_millis(20), answer: Duration::from_millis(30) };
        assert_eq!(watch.times(), expected);
        let one = Stopwatch { last: at(20), ..watch };
        assert_eq!(one.times().answer, Duration::ZERO);
    }
}
