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

    /// Draws a number uniformly from `0..bound`.
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

    /// Draws one of `choices`, each with the same probability.
    ///
    /// # Panics
    /// When `choices` is empty.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len() as u64) as usize]
    }

    /// A number whose count of digits is uniform in `1..=max_digits`: short and long ones are equally common.
    pub fn number(&mut self, max_digits: u32) -> i64 {
        let digits = 1 + self.below(u64::from(max_digits)) as u32;
        let least = if digits == 1 { 0 } else { 10_u64.pow(digits - 1) };
        (least + self.below(10_u64.pow(digits) - least)) as i64
    }

    /// Like [`Self::number`], with every second number made of two digits only, as `3113` or `7077`: copying those
    /// takes counting positions, because the digits before do not tell which comes next.
    pub fn repetitive_number(&mut self, max_digits: u32) -> i64 {
        let number = self.number(max_digits);
        if self.one_in(2) {
            return number;
        }
        let (first, second) = (1 + self.below(9) as i64, self.below(10) as i64);
        let digits = number.checked_ilog10().unwrap_or(0);
        (0..digits).fold(first, |value, _| 10 * value + if self.one_in(2) { first } else { second })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_repetitive_numbers_have_at_most_two_different_digits() {
        let mut few = 0;
        for index in 0..2000 {
            let number = Dice::new(3, "digits", index).repetitive_number(4);
            assert!((0..10_000).contains(&number), "{number}");
            let mut digits = number.to_string().into_bytes();
            digits.sort_unstable();
            digits.dedup();
            few += usize::from(digits.len() <= 2);
        }
        // Those of one or two digits always do, and some of the others by chance.
        assert!((1500..1700).contains(&few), "{few}");
    }

    #[test]
    fn draws_of_one_item_differ_and_those_of_another_item_are_independent() {
        let draws = |index| -> Vec<u64> {
            let mut dice = Dice::new(1, "draws", index);
            (0..20).map(|_| dice.below(1_000_000)).collect()
        };
        let mut all = [draws(0), draws(1)].concat();
        assert_eq!(draws(0), all[..20]);
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 40);
    }
}
