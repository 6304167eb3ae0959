//! The aggregation of Hugging Face's ROUGE metric: the median of the means of 1,000 resampled sets.

use crate::random::Mersenne;

/// Number of resampled sets.
const SAMPLES: usize = 1000;

/// Returns for each column the median of its resampled means, with the draws of `numpy.random.seed(0)`. All columns are
/// equally long and share one stream of draws. An empty column has the median 0.
pub(super) fn medians(columns: &[Vec<f64>]) -> Vec<f64> {
    let mut generator = Mersenne::new(0);
    columns.iter().map(|column| median(column, &mut generator)).collect()
}

fn median(column: &[f64], generator: &mut Mersenne) -> f64 {
    if column.is_empty() {
        return 0.0;
    }
    let size = u32::try_from(column.len()).unwrap_or(u32::MAX);
    let mut means: Vec<f64> = (0..SAMPLES)
        .map(|_| {
            let sum: f64 = (0..size).map(|_| column[generator.numpy_below(size) as usize]).sum();
            sum / f64::from(size)
        })
        .collect();
    means.sort_by(f64::total_cmp);
    let (below, above) = (means[SAMPLES / 2 - 1], means[SAMPLES / 2]);
    // NumPy interpolates from the upper neighbor at one half.
    above - (above - below) * 0.5
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_are_numpys() {
        let columns = [vec![0.1, 0.7, 0.35, 0.2, 0.9], vec![0.5, 0.25, 0.125, 0.3, 0.8]];
        assert_eq!(medians(&columns), [0.440_000_000_000_000_06, 0.385]);
        let ascending: Vec<f64> = (0..37).map(|number| f64::from(number) / 37.0).collect();
        assert_eq!(medians(&[ascending]), [0.487_947_406_866_325_76]);
        assert_eq!(medians(&[vec![0.3], Vec::new()]), [0.3, 0.0]);
    }
}
