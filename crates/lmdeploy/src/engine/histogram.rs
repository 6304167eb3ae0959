//! [`Histogram`]: how often a number was how large, counted without locks.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts observations by upper bounds, as a Prometheus histogram does. Many threads may observe at the same time; a
/// reader may see an observation in the buckets before it is in the sum.
#[derive(Debug)]
pub(super) struct Histogram {
    bounds: &'static [f64],
    /// One count per bound, and one for everything above; not cumulative.
    counts: Vec<AtomicU64>,
    /// The bits of an `f64`.
    sum: AtomicU64,
}

/// The counts of a distribution at one time.
#[derive(Clone, Debug, PartialEq)]
pub struct HistogramSnapshot {
    /// Each upper bound with the number of observations up to it.
    pub buckets: Vec<(f64, u64)>,
    /// Number of observations over all buckets.
    pub count: u64,
    /// Sum of all observations.
    pub sum: f64,
}

impl Histogram {
    /// No observations yet; `bounds` rise.
    pub(super) fn new(bounds: &'static [f64]) -> Self {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self { bounds, counts, sum: AtomicU64::new(0.0_f64.to_bits()) }
    }

    /// Counts one observation.
    pub(super) fn observe(&self, value: f64) {
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        self.counts[bucket].fetch_add(1, Ordering::Relaxed);
        let add = |bits: u64| Some((f64::from_bits(bits) + value).to_bits());
        // The closure always gives a new value.
        let _ = self.sum.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }

    /// All counts, cumulative as Prometheus wants them.
    pub(super) fn snapshot(&self) -> HistogramSnapshot {
        let mut count = 0;
        let mut cumulative = self.counts.iter().map(|bucket| {
            count += bucket.load(Ordering::Relaxed);
            count
        });
        let buckets = self.bounds.iter().copied().zip(cumulative.by_ref()).collect();
        let above = cumulative.next();
        let sum = f64::from_bits(self.sum.load(Ordering::Relaxed));
        HistogramSnapshot { buckets, count: above.unwrap_or(0), sum }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_bound_belongs_to_its_own_bucket() {
        let histogram = Histogram::new(&[1.0, 2.0]);
        for value in [0.5, 1.0, 1.5, 2.0, 2.5] {
            histogram.observe(value);
        }
        let expected = HistogramSnapshot { buckets: vec![(1.0, 2), (2.0, 4)], count: 5, sum: 7.5 };
        assert_eq!(histogram.snapshot(), expected);
    }

    #[test]
    fn no_observation_is_lost_between_threads() {
        let histogram = Histogram::new(&[1.0]);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..1000).for_each(|_| histogram.observe(2.0)));
            }
        });
        let snapshot = histogram.snapshot();
        assert_eq!((snapshot.count, snapshot.sum), (4000, 8000.0));
    }

    proptest! {
        #[test]
        fn buckets_count_what_is_not_above_their_bound(
            values in prop::collection::vec(0.0_f64..100.0, 0..50),
        ) {
            const BOUNDS: &[f64] = &[1.0, 5.0, 20.0, 80.0];
            let histogram = Histogram::new(BOUNDS);
            values.iter().for_each(|value| histogram.observe(*value));
            let snapshot = histogram.snapshot();
            prop_assert_eq!(snapshot.count, values.len() as u64);
            for (bound, count) in snapshot.buckets {
                let expected = values.iter().filter(|value| **value <= bound).count() as u64;
                prop_assert_eq!(count, expected);
            }
        }
    }
}
