//! [`TestRng`]: random test data that is the same on every run.

use crate::rng::CounterRng;

/// A [`CounterRng`] that counts for itself.
///
/// ```
/// use internlm_kit::testing::TestRng;
///
/// let numbers = |seed| TestRng::new(seed).floats(3, 1.0);
/// assert_eq!(numbers(1), numbers(1));
/// assert_ne!(numbers(1), numbers(2));
/// ```
#[derive(Clone, Debug)]
pub struct TestRng {
    rng: CounterRng,
    counter: u64,
}

impl TestRng {
    /// The numbers of `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { rng: CounterRng::new(seed, "test"), counter: 0 }
    }

    /// The next 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.counter += 1;
        self.rng.u64(self.counter)
    }

    /// Uniform in `0..bound`; 0 when `bound` is 0, so that an index into an empty list needs no special case.
    pub fn below(&mut self, bound: usize) -> usize {
        self.counter += 1;
        self.rng.below(self.counter, bound.max(1) as u64) as usize
    }

    /// A number that is uniform in `-scale..scale`.
    pub fn float(&mut self, scale: f32) -> f32 {
        self.counter += 1;
        (self.rng.f64(self.counter) as f32).mul_add(2.0, -1.0) * scale
    }

    /// `count` numbers of [`TestRng::float`].
    pub fn floats(&mut self, count: usize, scale: f32) -> Vec<f32> {
        (0..count).map(|_| self.float(scale)).collect()
    }

    /// The next `count` random bytes.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.bits() as u8).collect()
    }

    /// One of `items`, each equally likely.
    ///
    /// # Panics
    /// When the list is empty.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        assert!(!items.is_empty(), "there is nothing to pick from");
        &items[self.below(items.len())]
    }
}
