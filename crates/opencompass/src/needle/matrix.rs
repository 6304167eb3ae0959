//! [`DepthMatrix`]: mean scores by length of the document and depth of the needle.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::score::Detail;

/// Scores from 0 to 100, one per length and depth. Cells without a score are empty.
///
/// ```
/// use opencompass::needle::DepthMatrix;
/// let matrix = DepthMatrix::new([(1000, 0, 100.0), (1000, 0, 50.0), (2000, 100, 0.0)]);
/// assert_eq!(matrix.csv(), "depth,1000,2000\n0,75.00,\n100,,0.00\n");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DepthMatrix {
    lengths: Vec<usize>,
    depths: Vec<u32>,
    /// (length, depth) -> mean.
    means: BTreeMap<(usize, u32), f64>,
}

impl DepthMatrix {
    /// Averages scores, each given as length, depth and score.
    #[must_use]
    pub fn new(scores: impl IntoIterator<Item = (usize, u32, f64)>) -> Self {
        let mut sums: BTreeMap<(usize, u32), (f64, usize)> = BTreeMap::new();
        for (length, depth, score) in scores {
            let (sum, count) = sums.entry((length, depth)).or_default();
            *sum += score;
            *count += 1;
        }
        let means: BTreeMap<(usize, u32), f64> =
            sums.into_iter().map(|(place, (sum, count))| (place, sum / count as f64)).collect();
        let mut lengths: Vec<usize> = means.keys().map(|(length, _)| *length).collect();
        let mut depths: Vec<u32> = means.keys().map(|(_, depth)| *depth).collect();
        lengths.dedup();
        depths.sort_unstable();
        depths.dedup();
        Self { lengths, depths, means }
    }

    /// Averages the verdicts on rows that have the columns `length` and `depth`; other rows are left out. An item without
    /// a score of its own has 100 if it is right and 0 otherwise.
    #[must_use]
    pub fn of_items<'a>(items: impl IntoIterator<Item = (&'a Map<String, Value>, &'a Detail)>) -> Self {
        let place = |(columns, detail): (&Map<String, Value>, &Detail)| {
            let length = usize::try_from(columns.get("length")?.as_u64()?).ok()?;
            let depth = u32::try_from(columns.get("depth")?.as_u64()?).ok()?;
            let share = detail.score.unwrap_or(if detail.correct == Some(true) { 1.0 } else { 0.0 });
            Some((length, depth, 100.0 * share))
        };
        Self::new(items.into_iter().filter_map(place))
    }

    /// Returns the lengths in order.
    #[must_use]
    pub fn lengths(&self) -> &[usize] {
        &self.lengths
    }

    /// Returns the depths in order, in percent.
    #[must_use]
    pub fn depths(&self) -> &[u32] {
        &self.depths
    }

    /// Returns the mean score of a length and a depth.
    #[must_use]
    pub fn mean(&self, length: usize, depth: u32) -> Option<f64> {
        self.means.get(&(length, depth)).copied()
    }

    /// Returns the mean over all cells that have a score.
    #[must_use]
    pub fn overall(&self) -> Option<f64> {
        (!self.means.is_empty()).then(|| self.means.values().sum::<f64>() / self.means.len() as f64)
    }

    /// Writes the matrix as CSV: one line per depth, one column per length, two decimals.
    #[must_use]
    pub fn csv(&self) -> String {
        let mut csv = "depth".to_owned();
        for length in &self.lengths {
            csv.push_str(&format!(",{length}"));
        }
        csv.push('\n');
        for depth in &self.depths {
            csv.push_str(&depth.to_string());
            for length in &self.lengths {
                csv.push(',');
                if let Some(mean) = self.mean(*length, *depth) {
                    csv.push_str(&format!("{mean:.2}"));
                }
            }
            csv.push('\n');
        }
        csv
    }
}
