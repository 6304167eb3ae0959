//! NumPy's legacy random numbers (`numpy.random.seed`, `choice`), which decide upstream's random examples.
//!
//! Matsumoto and Nishimura: "Mersenne Twister", ACM TOMACS 8 (1998); the constants are those of `mt19937ar.c`.

use crate::random::Mersenne;

/// The generator of `numpy.random.RandomState`.
///
/// ```
/// use opencompass::retrieve::Mt19937;
/// // numpy.random.seed(43); numpy.random.choice(10, 3, replace=False)
/// assert_eq!(Mt19937::new(43).choice(10, 3), [3, 9, 6]);
/// ```
#[derive(Clone, Debug)]
pub struct Mt19937(Mersenne);

impl Mt19937 {
    /// Seeds the generator as `numpy.random.seed(seed)` does for a number.
    #[must_use]
    pub fn new(seed: u32) -> Self {
        Self(Mersenne::new(seed))
    }

    /// Returns the next 32 random bits.
    pub fn bits(&mut self) -> u32 {
        self.0.bits()
    }

    /// Returns a number in [0, 1) with 53 random bits (`random_sample`).
    pub fn uniform(&mut self) -> f64 {
        let (high, low) = (f64::from(self.bits() >> 5), f64::from(self.bits() >> 6));
        (high * 67_108_864.0 + low) / 9_007_199_254_740_992.0
    }

    /// Draws `count` different numbers below `bound`, at most all of them (`choice(bound, count, replace=False)`).
    pub fn choice(&mut self, bound: usize, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..bound).collect();
        for last in (1..bound).rev() {
            let bound = u32::try_from(last + 1).unwrap_or(u32::MAX);
            order.swap(last, self.0.numpy_below(bound) as usize);
        }
        order.truncate(count);
        order
    }

    /// Draws `count` places with replacement, each as often as its weight says (`choice(n, count, p=weights)`). Returns
    /// `None` unless some weight is positive.
    pub fn weighted(&mut self, weights: &[f64], count: usize) -> Option<Vec<usize>> {
        let total: f64 = weights.iter().sum();
        if !total.is_finite() || total <= 0.0 {
            return None;
        }
        let mut sum = 0.0;
        let sums: Vec<f64> = weights
            .iter()
            .map(|weight| {
                sum += weight / total;
                sum
            })
            .collect();
        let last = *sums.last()?;
        let draw = |_| {
            let drawn = self.uniform();
            sums.partition_point(|sum| sum / last <= drawn).min(weights.len() - 1)
        };
        Some((0..count).map(draw).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_numpy() {
        // numpy.random.RandomState(5).random_sample(3)
        let mut rng = Mt19937::new(5);
        for expected in [0.221_993_171_089_739_48, 0.870_732_306_177_376_4, 0.206_719_155_339_425_42] {
            assert!((rng.uniform() - expected).abs() < 1e-15, "{expected}");
        }
        assert_eq!(Mt19937::new(0).choice(1, 1), [0]);
        assert_eq!(Mt19937::new(0).choice(0, 1), [0; 0]);
    }

    #[test]
    fn weights_decide_how_often_a_place_is_drawn() {
        assert_eq!(Mt19937::new(5).weighted(&[0.0, 1.0, 0.0], 3), Some(vec![1, 1, 1]));
        assert_eq!(Mt19937::new(5).weighted(&[1.0, 1.0], 3), Some(vec![0, 1, 0]));
        assert_eq!(Mt19937::new(5).weighted(&[0.0, 0.0], 3), None);
    }
}
