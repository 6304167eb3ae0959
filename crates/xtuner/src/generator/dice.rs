//! [`Dice`]: one conversation's random numbers, drawn one after the other.

use internlm_kit::rng::CounterRng;

/// Sequential draws from a counter-based stream.
///
/// ```
/// let draw = |index| xtuner::generator::Dice::new(1, "example", index).below(1000);
/// assert_eq!(draw(3), draw(3));
/// assert_ne!(draw(3), draw(4));
/// ```
#[derive(Clone, Debug)]
pub struct Dice {
    rng: CounterRng,
    drawn: u64,
}

impl Dice {
    /// The dice of item `index` of the stream `purpose`.
    #[must_use]
    pub fn new(seed: u64, purpose: &str, index: u64) -> Self {
        Self { rng: CounterRng::new(seed, purpose).split(index), drawn: 0 }
    }

    /// Uniform in `0..bound`.
    ///
    /// # Panics
    /// When `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.drawn += 1;
        self.rng.below(self.drawn, bound)
    }

    /// True once in `count` draws on average.
    ///
    /// # Panics
    /// When `count` is 0.
    pub fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    /// One of `choices`.
    ///
    /// # Panics
    /// When there is none.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len() as u64) as usize]
    }

    /// A number whose count of digits is uniform in `1..=most_digits`: short and long ones are equally common.
    pub fn number(&mut self, most_digits: u32) -> i64 {
        let digits = 1 + self.below(u64::from(most_digits)) as u32;
        let least = if digits == 1 { 0 } else { 10_u64.pow(digits - 1) };
        (least + self.below(10_u64.pow(digits) - least)) as i64
    }

    /// Like [`Self::number`], with every second number made of two digits only, as `3113` or `7077`: copying those
    /// takes counting positions, because the digits before do not tell which comes next.
    pub fn repetitive_number(&mut self, most_digits: u32) -> i64 {
        let number = self.number(most_digits);
        if self.one_in(2) {
            return number;
        }
        let (first, second) = (1 + self.below(9) as i64, self.below(10) as i64);
        let digits = number.checked_ilog10().unwrap_or(0);
        (0..digits).fold(first, |value, _| 10 * value + if self.one_in(2) { first } else { second })
    }
}
