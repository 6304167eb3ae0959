//! The paired bootstrap: whether two models differ on the same items (Koehn 2004; Berg-Kirkpatrick et al. 2012).

use super::{Bootstrap, Interval, Sample};

/// The difference between two scores on the same items.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairedTest {
    /// Score of the second model minus score of the first.
    pub difference: f64,
    /// Interval of the difference.
    pub interval: Interval,
    /// Two-sided p-value of "no difference".
    pub p_value: f64,
}

impl Bootstrap {
    /// Compares two samples over the same clusters in the same order. `None` if they do not have the same number of
    /// clusters, or none at all.
    ///
    /// ```
    /// use opencompass::statistics::{Bootstrap, Sample};
    /// let before = Sample::of_values(&[0.0, 100.0, 0.0, 100.0, 0.0, 100.0, 0.0, 0.0]);
    /// let same = Bootstrap::default().paired(&before, &before).expect("the same items");
    /// assert_eq!((same.difference, same.p_value), (0.0, 1.0));
    /// ```
    #[must_use]
    pub fn paired(&self, first: &Sample, second: &Sample) -> Option<PairedTest> {
        let count = first.clusters();
        if count == 0 || count != second.clusters() {
            return None;
        }
        let mut differences = Vec::with_capacity(self.resamples);
        for resample in 0..self.resamples {
            let draws = self.draws(0, resample);
            let drawn = || (0..count).map(|draw| draws.below(draw as u64, count as u64) as usize);
            differences.push(second.statistic_of(drawn()) - first.statistic_of(drawn()));
        }
        // With the sample itself among the resamples no p-value is 0 (Davison and Hinkley 1997, 4.11).
        let share = |counts: &dyn Fn(f64) -> bool| {
            let extreme = differences.iter().filter(|difference| counts(**difference)).count();
            (extreme + 1) as f64 / (differences.len() + 1) as f64
        };
        let p_value =
            2.0 * share(&|difference| difference <= 0.0).min(share(&|difference| difference >= 0.0));
        Some(PairedTest {
            difference: second.statistic() - first.statistic(),
            interval: Interval::of(differences),
            p_value: p_value.min(1.0),
        })
    }
}
