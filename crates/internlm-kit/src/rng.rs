//! Counter-based random numbers: a value is a pure function of (seed, stream, counter).
//!
//! No state to save, no order to keep: any thread may draw any counter. The function is SplitMix64's
//! finalizer applied to a keyed counter (Steele, Lea, Flood: "Fast splittable pseudorandom number
//! generators", OOPSLA 2014), one key per (seed, stream).

/// One stream of random numbers.
///
/// ```
/// let rng = internlm_kit::rng::CounterRng::new(42, "shuffle");
/// assert_eq!(rng.u64(7), internlm_kit::rng::CounterRng::new(42, "shuffle").u64(7));
/// assert_ne!(rng.u64(7), internlm_kit::rng::CounterRng::new(42, "dropout").u64(7));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CounterRng {
    key: u64,
}

/// The increment of SplitMix64: the odd number nearest to 2^64 / golden ratio.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

impl CounterRng {
    /// The stream called `purpose` of `seed`. Different purposes give independent numbers.
    #[must_use]
    pub fn new(seed: u64, purpose: &str) -> Self {
        let key = purpose.bytes().fold(mix(seed.wrapping_add(GOLDEN)), |key, byte| {
            mix(key ^ u64::from(byte)).wrapping_add(GOLDEN)
        });
        Self { key }
    }

    /// A sub-stream, for instance one per epoch or per request.
    #[must_use]
    pub fn split(self, index: u64) -> Self {
        Self { key: mix(self.key ^ mix(index.wrapping_add(GOLDEN))) }
    }

    /// The `counter`-th 64 random bits.
    #[must_use]
    pub fn u64(&self, counter: u64) -> u64 {
        mix(self.key.wrapping_add(counter.wrapping_mul(GOLDEN)))
    }

    /// Uniform in [0, 1) with 53 random bits.
    #[must_use]
    pub fn f64(&self, counter: u64) -> f64 {
        (self.u64(counter) >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    /// Uniform in `0..bound` by multiply-shift; the bias is below `bound / 2^64`.
    ///
    /// # Panics
    /// When `bound` is 0.
    #[must_use]
    pub fn below(&self, counter: u64, bound: u64) -> u64 {
        assert!(bound > 0, "a number below 0 does not exist");
        ((u128::from(self.u64(counter)) * u128::from(bound)) >> 64) as u64
    }

    /// Standard normal by Box-Muller; uses the bits of `2 * counter` and `2 * counter + 1`.
    #[must_use]
    pub fn normal(&self, counter: u64) -> f64 {
        let radius = (-2.0 * (1.0 - self.f64(2 * counter)).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.f64(2 * counter + 1)).cos()
    }

    /// A random order of `0..length` (Fisher-Yates, from the last to the first).
    #[must_use]
    pub fn permutation(&self, length: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..length).collect();
        for last in (1..length).rev() {
            let other = self.below(last as u64, last as u64 + 1) as usize;
            order.swap(last, other);
        }
        order
    }
}

/// SplitMix64's finalizer.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first two are what the published splitmix64.c gives for the seed 0; the rest is from the formula above
    /// written again in Python.
    #[test]
    fn numbers_are_the_same_on_every_machine() {
        let published = [mix(GOLDEN), mix(GOLDEN.wrapping_mul(2))];
        assert_eq!(published, [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4]);
        let rng = CounterRng::new(42, "shuffle");
        let bits = [0, 1, 2].map(|counter| rng.u64(counter));
        assert_eq!(bits, [0xc7fb_2f6b_1860_87ee, 0xfb88_cf16_0807_3477, 0xd7df_b68c_ad13_d2b0]);
        assert_eq!(rng.split(5).u64(0), 0x8a27_2e08_ac7d_5fa2);
        let digits: Vec<u64> = (0..8).map(|counter| rng.below(counter, 10)).collect();
        assert_eq!(digits, [7, 9, 8, 5, 8, 2, 4, 3]);
    }

    #[test]
    fn uniform_and_normal_have_their_moments() {
        let rng = CounterRng::new(1, "moments");
        let count = 100_000;
        let mean = (0..count).map(|i| rng.f64(i)).sum::<f64>() / count as f64;
        let variance = (0..count).map(|i| rng.normal(i).powi(2)).sum::<f64>() / count as f64;
        assert!((mean - 0.5).abs() < 0.005, "{mean}");
        assert!((variance - 1.0).abs() < 0.02, "{variance}");
    }

    #[test]
    fn permutation_holds_every_index_once() {
        let mut order = CounterRng::new(3, "rows").permutation(1000);
        assert_ne!(order[..5], [0, 1, 2, 3, 4]);
        order.sort_unstable();
        assert!(order.iter().copied().eq(0..1000));
    }
}
