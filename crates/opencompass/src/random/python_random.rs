//! `random` of Python 3: the same seed gives the same choices as in upstream's data sets.

use super::mersenne::Mersenne;

/// Python's generator `random.Random`.
#[derive(Clone, Debug)]
pub(crate) struct PythonRandom {
    generator: Mersenne,
}

impl PythonRandom {
    /// Seeds it with a whole number that is not negative: `random.seed(seed)`.
    pub(crate) fn new(seed: u64) -> Self {
        let (low, high) = (seed as u32, (seed >> 32) as u32);
        let key = if high == 0 { vec![low] } else { vec![low, high] };
        Self { generator: Mersenne::from_key(&key) }
    }

    /// Draws a number below `bound`, which is not 0: `_randbelow`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let bits = usize::BITS - bound.leading_zeros();
        loop {
            let drawn = self.random_bits(bits);
            if drawn < bound as u64 {
                return drawn as usize;
            }
        }
    }

    /// Draws up to 64 bits: `getrandbits`.
    pub(crate) fn random_bits(&mut self, bits: u32) -> u64 {
        if bits <= 32 {
            return u64::from(self.generator.bits() >> (32 - bits));
        }
        let low = u64::from(self.generator.bits());
        let high = u64::from(self.generator.bits() >> (64 - bits));
        low | (high << 32)
    }

    /// Draws a number from 0 up to 1: `random`.
    fn unit(&mut self) -> f64 {
        let (high, low) = (self.random_bits(27), self.random_bits(26));
        (high as f64 * 67_108_864.0 + low as f64) / 9_007_199_254_740_992.0
    }

    /// Draws a place below `count` as `choices` does.
    pub(crate) fn index(&mut self, count: usize) -> usize {
        (self.unit() * count as f64) as usize
    }

    /// Draws one of some elements, of which there is at least one: `choice`.
    pub(crate) fn choice<'a, T>(&mut self, elements: &'a [T]) -> &'a T {
        &elements[self.below(elements.len())]
    }

    /// Brings elements into a random order: `shuffle`.
    pub(crate) fn shuffle<T>(&mut self, elements: &mut [T]) {
        for last in (1..elements.len()).rev() {
            let other = self.below(last + 1);
            elements.swap(last, other);
        }
    }

    /// Draws `count` different elements in random order: `sample`. `None` if there are not so many.
    pub(crate) fn sample<T: Clone>(&mut self, elements: &[T], count: usize) -> Option<Vec<T>> {
        let size = elements.len();
        if count > size {
            return None;
        }
        // Python keeps a list or a set of what was drawn, whichever is smaller; they draw different numbers.
        let mut set_size = 21_usize;
        if count > 5 {
            let mut power = 1_usize;
            while power < count * 3 {
                power *= 4;
            }
            set_size += power;
        }
        let mut drawn = Vec::with_capacity(count);
        if size <= set_size {
            let mut pool = elements.to_vec();
            for taken in 0..count {
                let place = self.below(size - taken);
                drawn.push(pool[place].clone());
                pool[place] = pool[size - taken - 1].clone();
            }
        } else {
            let mut selected = std::collections::HashSet::with_capacity(count);
            for _ in 0..count {
                let mut place = self.below(size);
                while !selected.insert(place) {
                    place = self.below(size);
                }
                drawn.push(elements[place].clone());
            }
        }
        Some(drawn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_choices_and_bits_are_pythons() {
        let mut random = PythonRandom::new(3);
        let places: Vec<usize> = (0..6).map(|_| random.index(26)).collect();
        assert_eq!(places, [6, 14, 9, 15, 16, 1]);
        assert_eq!(random.unit(), 0.013_167_991_554_874_137);
        assert_eq!(random.random_bits(64), 0x781f_9c58_d664_5fa9);
        assert_eq!(
            [random.random_bits(64), random.random_bits(64)],
            [0x8d00_38ec_4265_0644, 0x3116_2427_3bfd_1d33]
        );
    }

    #[test]
    fn orders_are_those_of_shuffle() {
        let mut items: Vec<usize> = (0..8).collect();
        PythonRandom::new(5).shuffle(&mut items);
        assert_eq!(items, [6, 3, 1, 0, 7, 2, 5, 4]);
        for (seed, expected) in [
            (5, [2_675_342_405, 1_097_127_993]),
            (20_240_326, [2_961_830_630, 3_344_836_507]),
            ((1 << 40) + 7, [2_635_837_658, 3_209_733_218]),
        ] {
            let mut random = PythonRandom::new(seed);
            assert_eq!([random.random_bits(32), random.random_bits(32)], expected, "{seed}");
        }
    }

    #[test]
    fn choices_are_pythons() {
        let numbers: Vec<usize> = (0..100).collect();
        let mut random = PythonRandom::new(3);
        assert_eq!(random.sample(&numbers, 6).expect("enough"), [30, 75, 69, 16, 47, 77]);
        assert_eq!(*random.choice(&numbers), 60);
        let mut few: Vec<usize> = (0..8).collect();
        random.shuffle(&mut few);
        assert_eq!(few, [7, 5, 6, 2, 3, 0, 4, 1]);
        assert_eq!(random.sample(&few, 5).expect("enough"), [2, 0, 1, 3, 4]);
        assert_eq!(random.sample(&few, 9), None);
    }
}
