//! Python's random numbers, for subsets and orders that OpenCompass draws with `random.Random(seed)`.
//!
//! MT19937 (Matsumoto and Nishimura 1998), seeded by `init_by_array` with the 32-bit digits of the seed as CPython
//! does. Only for compatibility: everything of our own uses counter-based numbers.

/// Length of the state.
const N: usize = 624;
/// Distance of the words that are mixed.
const M: usize = 397;

/// The generator of CPython's module `random`.
pub(super) struct MersenneTwister {
    state: [u32; N],
    next: usize,
}

impl MersenneTwister {
    /// Seeds it as `random.Random(seed)` does for an integer.
    pub(super) fn from_python_int(seed: u64) -> Self {
        let digits = [seed as u32, (seed >> 32) as u32];
        Self::from_digits(if digits[1] == 0 { &digits[..1] } else { &digits })
    }

    fn from_digits(key: &[u32]) -> Self {
        let mut state = [0_u32; N];
        state[0] = 19_650_218;
        for i in 1..N {
            let before = state[i - 1] ^ (state[i - 1] >> 30);
            state[i] = before.wrapping_mul(1_812_433_253).wrapping_add(i as u32);
        }
        let mut i = 1;
        for k in 0..N.max(key.len()) {
            let j = k % key.len();
            let before = state[i - 1] ^ (state[i - 1] >> 30);
            state[i] =
                (state[i] ^ before.wrapping_mul(1_664_525)).wrapping_add(key[j]).wrapping_add(j as u32);
            i += 1;
            if i == N {
                state[0] = state[N - 1];
                i = 1;
            }
        }
        for _ in 1..N {
            let before = state[i - 1] ^ (state[i - 1] >> 30);
            state[i] = (state[i] ^ before.wrapping_mul(1_566_083_941)).wrapping_sub(i as u32);
            i += 1;
            if i == N {
                state[0] = state[N - 1];
                i = 1;
            }
        }
        state[0] = 0x8000_0000;
        Self { state, next: N }
    }

    fn refill(&mut self) {
        for i in 0..N {
            let joined = (self.state[i] & 0x8000_0000) | (self.state[(i + 1) % N] & 0x7fff_ffff);
            let mixed = if joined & 1 == 1 { 0x9908_b0df } else { 0 };
            self.state[i] = self.state[(i + M) % N] ^ (joined >> 1) ^ mixed;
        }
        self.next = 0;
    }

    fn word(&mut self) -> u32 {
        if self.next == N {
            self.refill();
        }
        let mut word = self.state[self.next];
        self.next += 1;
        word ^= word >> 11;
        word ^= (word << 7) & 0x9d2c_5680;
        word ^= (word << 15) & 0xefc6_0000;
        word ^ (word >> 18)
    }

    /// Draws a number below `limit`, which is positive and fits 32 bits: Python's `_randbelow`.
    fn below(&mut self, limit: usize) -> usize {
        let bits = usize::BITS - limit.leading_zeros();
        loop {
            let drawn = (self.word() >> (u32::BITS - bits.min(u32::BITS))) as usize;
            if drawn < limit {
                return drawn;
            }
        }
    }

    /// Shuffles as `random.shuffle` does. There are at most 2^32 - 1 items.
    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            let j = self.below(i + 1);
            items.swap(i, j);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_python() {
        for (seed, expected) in [
            (5, [2_675_342_405, 1_097_127_993]),
            (20_240_326, [2_961_830_630, 3_344_836_507]),
            ((1 << 40) + 7, [2_635_837_658, 3_209_733_218]),
        ] {
            let mut twister = MersenneTwister::from_python_int(seed);
            assert_eq!([twister.word(), twister.word()], expected, "{seed}");
        }
        let mut items: Vec<usize> = (0..8).collect();
        MersenneTwister::from_python_int(5).shuffle(&mut items);
        assert_eq!(items, [6, 3, 1, 0, 7, 2, 5, 4]);
    }
}
