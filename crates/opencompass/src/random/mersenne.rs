//! The Mersenne Twister MT19937, from which Python's `random` and NumPy's legacy generator draw. Sets and scores that
//! upstream made with a seed can be made again.

const SIZE: usize = 624;
const SHIFT: usize = 397;

/// The generator, which gives 32 bits at a time.
#[derive(Clone, Debug)]
pub(crate) struct Mersenne {
    state: [u32; SIZE],
    place: usize,
}

impl Mersenne {
    /// Seeds it with one number: `init_genrand`, which is `numpy.random.seed(seed)`.
    pub(crate) fn new(seed: u32) -> Self {
        let mut state = [0; SIZE];
        state[0] = seed;
        for place in 1..SIZE {
            let before: u32 = state[place - 1];
            state[place] = 1_812_433_253_u32.wrapping_mul(before ^ (before >> 30)).wrapping_add(place as u32);
        }
        Self { state, place: SIZE }
    }

    /// Seeds it with some numbers, at least one: `init_by_array`.
    pub(crate) fn from_key(key: &[u32]) -> Self {
        let mut generator = Self::new(19_650_218);
        let state = &mut generator.state;
        let (mut i, mut j) = (1, 0);
        let mixed = |before: u32, factor: u32| (before ^ (before >> 30)).wrapping_mul(factor);
        for _ in 0..SIZE.max(key.len()) {
            let added = key[j].wrapping_add(j as u32);
            state[i] = (state[i] ^ mixed(state[i - 1], 1_664_525)).wrapping_add(added);
            i += 1;
            j = (j + 1) % key.len();
            if i == SIZE {
                state[0] = state[SIZE - 1];
                i = 1;
            }
        }
        for _ in 1..SIZE {
            state[i] = (state[i] ^ mixed(state[i - 1], 1_566_083_941)).wrapping_sub(i as u32);
            i += 1;
            if i == SIZE {
                state[0] = state[SIZE - 1];
                i = 1;
            }
        }
        state[0] = 0x8000_0000;
        generator
    }

    /// Draws the next 32 bits.
    pub(crate) fn bits(&mut self) -> u32 {
        if self.place == SIZE {
            self.renew();
        }
        let mut drawn = self.state[self.place];
        self.place += 1;
        drawn ^= drawn >> 11;
        drawn ^= (drawn << 7) & 0x9d2c_5680;
        drawn ^= (drawn << 15) & 0xefc6_0000;
        drawn ^ (drawn >> 18)
    }

    /// Draws a number below `bound` as NumPy's legacy `randint` does. Nothing is drawn for a bound of 1.
    pub(crate) fn numpy_below(&mut self, bound: u32) -> u32 {
        let largest = bound.saturating_sub(1);
        if largest == 0 {
            return 0;
        }
        let mask = u32::MAX >> largest.leading_zeros();
        loop {
            let drawn = self.bits() & mask;
            if drawn <= largest {
                return drawn;
            }
        }
    }

    fn renew(&mut self) {
        for place in 0..SIZE {
            let mixed = (self.state[place] & 0x8000_0000) | (self.state[(place + 1) % SIZE] & 0x7fff_ffff);
            let odd = if mixed & 1 == 1 { 0x9908_b0df } else { 0 };
            self.state[place] = self.state[(place + SHIFT) % SIZE] ^ (mixed >> 1) ^ odd;
        }
        self.place = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_reference_program() {
        // mt19937ar.out: init_by_array({0x123, 0x234, 0x345, 0x456}).
        let mut generator = Mersenne::from_key(&[0x123, 0x234, 0x345, 0x456]);
        let first: Vec<u32> = (0..5).map(|_| generator.bits()).collect();
        assert_eq!(first, [1_067_595_299, 955_945_823, 477_289_528, 4_107_218_783, 4_228_976_476]);
    }
}
