//! [`Sample`]: the items of a score, summed up by cluster.

use indexmap::IndexMap;

/// Says whether a score is this statistic, up to errors of arithmetic, or rounded to two decimals as in some tables.
pub(crate) fn agree(statistic: f64, score: f64) -> bool {
    let close = |found: f64| (found - score).abs() <= 1e-9 * score.abs().max(1.0);
    close(statistic) || close((statistic * 100.0).round() / 100.0)
}

/// Items that resampling may exchange, as clusters: items that belong together, such as the four rotations of one
/// question, are drawn together.
///
/// The statistic is the ratio of two sums, so that it covers means (every weight is 1) and rates such as bits per byte
/// (the weight is the number of bytes).
///
/// ```
/// use opencompass::statistics::Sample;
/// let sample = Sample::of([("q1", 100.0, 1.0), ("q1", 0.0, 1.0), ("q2", 100.0, 1.0)]);
/// assert_eq!(sample.clusters(), 2);
/// assert!((sample.statistic() - 200.0 / 3.0).abs() < 1e-12);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sample {
    /// Weighted sum and weight per cluster.
    sums: Vec<(f64, f64)>,
    items: usize,
}

impl Sample {
    /// Collects items, each as cluster, value and weight.
    pub fn of<K: Into<String>>(items: impl IntoIterator<Item = (K, f64, f64)>) -> Self {
        let mut clusters: IndexMap<String, (f64, f64)> = IndexMap::new();
        let mut count = 0;
        for (cluster, value, weight) in items {
            let sums = clusters.entry(cluster.into()).or_default();
            sums.0 += value * weight;
            sums.1 += weight;
            count += 1;
        }
        Self { sums: clusters.into_values().collect(), items: count }
    }

    /// Collects independent items of equal weight.
    #[must_use]
    pub fn of_values(values: &[f64]) -> Self {
        Self { sums: values.iter().map(|value| (*value, 1.0)).collect(), items: values.len() }
    }

    /// Returns the number of clusters.
    #[must_use]
    pub fn clusters(&self) -> usize {
        self.sums.len()
    }

    /// Returns the number of items.
    #[must_use]
    pub fn items(&self) -> usize {
        self.items
    }

    /// Returns the statistic of the sample itself; 0 without any weight.
    #[must_use]
    pub fn statistic(&self) -> f64 {
        self.statistic_of(0..self.sums.len())
    }

    /// Returns the statistic of the clusters with these indices.
    pub(super) fn statistic_of(&self, clusters: impl Iterator<Item = usize>) -> f64 {
        let add = |total: (f64, f64), cluster: usize| {
            let (value, weight) = self.sums[cluster];
            (total.0 + value, total.1 + weight)
        };
        let (value, weight) = clusters.fold((0.0, 0.0), add);
        if weight == 0.0 { 0.0 } else { value / weight }
    }
}
