//! The percentile bootstrap (Efron 1979): the spread of a statistic over samples drawn from the sample with
//! replacement.

use internlm_kit::rng::CounterRng;

use super::Sample;

/// Settings of the resampling.
///
/// ```
/// use opencompass::statistics::{Bootstrap, Sample};
/// let half: Vec<f64> = (0..200).map(|item| if item % 2 == 0 { 100.0 } else { 0.0 }).collect();
/// let interval = Bootstrap::default().interval(&Sample::of_values(&half));
/// assert!((43.0 - interval.low).abs() < 1.5 && (57.0 - interval.high).abs() < 1.5);
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Bootstrap {
    /// Number of resamples that are drawn.
    pub resamples: usize,
    /// Seed of the draws.
    pub seed: u64,
}

impl Default for Bootstrap {
    /// 2,000 resamples with the seed 20240326.
    fn default() -> Self {
        Self { resamples: 2000, seed: 20_240_326 }
    }
}

/// A two-sided interval of 95 %.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Lower bound, the 2.5 % quantile.
    pub low: f64,
    /// Upper bound, the 97.5 % quantile.
    pub high: f64,
}

impl Interval {
    /// Takes the quantiles of statistics; both are 0 without any.
    pub(super) fn of(mut statistics: Vec<f64>) -> Self {
        statistics.sort_by(f64::total_cmp);
        Self { low: quantile(&statistics, 0.025), high: quantile(&statistics, 0.975) }
    }
}

/// The quantile of sorted numbers, linear between neighbors (Hyndman and Fan's type 7, NumPy's default).
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let place = share * last as f64;
    let below = place.floor() as usize;
    let above = (below + 1).min(last);
    sorted[below] + (place - place.floor()) * (sorted[above] - sorted[below])
}

impl Bootstrap {
    /// Computes the interval of a sample's statistic.
    #[must_use]
    pub fn interval(&self, sample: &Sample) -> Interval {
        Interval::of((0..self.resamples).map(|resample| self.redraw(sample, 0, resample)).collect())
    }

    /// Computes the interval of a group's score: the items of every member are drawn apart, and `combine` gets one
    /// statistic per member, in order.
    #[must_use]
    pub fn group_interval(&self, members: &[Sample], combine: &dyn Fn(&[f64]) -> f64) -> Interval {
        let mut statistics = Vec::with_capacity(self.resamples);
        for resample in 0..self.resamples {
            let drawn = members.iter().enumerate();
            let drawn: Vec<f64> = drawn.map(|(place, member)| self.redraw(member, place, resample)).collect();
            statistics.push(combine(&drawn));
        }
        Interval::of(statistics)
    }

    /// Draws as many clusters as the sample has and returns their statistic.
    fn redraw(&self, sample: &Sample, place: usize, resample: usize) -> f64 {
        let count = sample.clusters();
        let draws = self.draws(place, resample);
        sample.statistic_of((0..count).map(|draw| draws.below(draw as u64, count as u64) as usize))
    }

    /// The random numbers of one resample of the member at `place`.
    pub(super) fn draws(&self, place: usize, resample: usize) -> CounterRng {
        CounterRng::new(self.seed, "bootstrap").split(place as u64).split(resample as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_numpys() {
        // numpy.quantile([1, 2, 4, 8], [0.025, 0.5, 0.975])
        let sorted = [1.0, 2.0, 4.0, 8.0];
        for (share, expected) in [(0.025, 1.075), (0.5, 3.0), (0.975, 7.7), (1.0, 8.0)] {
            assert!((quantile(&sorted, share) - expected).abs() < 1e-12, "{share}");
        }
        assert_eq!((quantile(&[], 0.5), quantile(&[3.0], 0.975)), (0.0, 3.0));
    }

    #[test]
    fn a_sample_without_spread_has_an_interval_without_width() {
        let interval = Bootstrap::default().interval(&Sample::of_values(&[70.0; 20]));
        assert_eq!(interval, Interval { low: 70.0, high: 70.0 });
        let one = Sample::of([("q", 100.0, 1.0), ("q", 0.0, 1.0)]);
        assert_eq!(Bootstrap::default().interval(&one), Interval { low: 50.0, high: 50.0 });
        assert_eq!(Bootstrap::default().interval(&Sample::default()), Interval { low: 0.0, high: 0.0 });
    }
}
