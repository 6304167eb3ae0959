//! The generator PCG64 of NumPy's `default_rng`, from which `datasets.Dataset.shuffle(seed)` draws its order.
//!
//! O'Neill 2014, "PCG: A Family of Simple Fast Space-Efficient Statistically Good Algorithms for Random Number
//! Generation": a linear congruence of 128 bits, whose halves are joined by XOR and rotated (XSL-RR). The seed goes
//! through NumPy's `SeedSequence`.

/// Factor of the congruence.
const MULTIPLIER: u128 = (2_549_297_995_355_413_924 << 64) | 4_865_540_595_714_422_341;
/// Number of words in the pool of a `SeedSequence`.
const POOL: usize = 4;

/// The generator with the half of the last number that was not used yet.
#[derive(Clone, Debug)]
pub(crate) struct Pcg64 {
    state: u128,
    increment: u128,
    half: Option<u32>,
}

impl Pcg64 {
    /// Seeds it as `numpy.random.default_rng(seed)`.
    pub(crate) fn new(seed: u64) -> Self {
        let [state_high, state_low, stream_high, stream_low] = seed_state(seed).map(u128::from);
        let increment = (((stream_high << 64) | stream_low) << 1) | 1;
        let mut generator = Self { state: 0, increment, half: None };
        generator.step();
        generator.state = generator.state.wrapping_add((state_high << 64) | state_low);
        generator.step();
        generator
    }

    /// Draws an order of the numbers below `length`, as `permutation(length)`.
    pub(crate) fn permutation(&mut self, length: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..length).collect();
        for last in (1..length).rev() {
            let other = self.up_to(last);
            order.swap(last, other);
        }
        order
    }

    fn step(&mut self) {
        self.state = self.state.wrapping_mul(MULTIPLIER).wrapping_add(self.increment);
    }

    fn next_u64(&mut self) -> u64 {
        self.step();
        let (high, low) = ((self.state >> 64) as u64, self.state as u64);
        (high ^ low).rotate_right((high >> 58) as u32)
    }

    fn next_u32(&mut self) -> u32 {
        if let Some(half) = self.half.take() {
            return half;
        }
        let bits = self.next_u64();
        self.half = Some((bits >> 32) as u32);
        bits as u32
    }

    /// Draws a number from 0 to `highest`: the lowest bits, until they are not above it (`random_interval`).
    fn up_to(&mut self, highest: usize) -> usize {
        let mask = highest.checked_ilog2().map_or(0, |bits| u64::MAX >> (63 - bits));
        loop {
            let bits = if mask > u64::from(u32::MAX) { self.next_u64() } else { u64::from(self.next_u32()) };
            let drawn = (bits & mask) as usize;
            if drawn <= highest {
                return drawn;
            }
        }
    }
}

/// The four words that `SeedSequence(seed)` gives a generator.
fn seed_state(seed: u64) -> [u64; POOL] {
    const MIX_LEFT: u32 = 0xca01_f9dd;
    const MIX_RIGHT: u32 = 0x4973_f715;
    let mut first = Hash { constant: 0x43b0_d7e5, factor: 0x931e_8875 };
    let mut pool = [seed as u32, (seed >> 32) as u32, 0, 0].map(|word| first.hash(word));
    for source in 0..POOL {
        for target in (0..POOL).filter(|target| *target != source) {
            let hashed = first.hash(pool[source]);
            let mixed = MIX_LEFT.wrapping_mul(pool[target]).wrapping_sub(MIX_RIGHT.wrapping_mul(hashed));
            pool[target] = mixed ^ (mixed >> 16);
        }
    }
    let mut second = Hash { constant: 0x8b51_f9dd, factor: 0x58f3_8ded };
    let words: [u32; 2 * POOL] = std::array::from_fn(|place| second.hash(pool[place % POOL]));
    std::array::from_fn(|place| u64::from(words[2 * place]) | (u64::from(words[2 * place + 1]) << 32))
}

/// The hash of a `SeedSequence`, whose constant changes with every word.
struct Hash {
    constant: u32,
    factor: u32,
}

impl Hash {
    fn hash(&mut self, word: u32) -> u32 {
        let changed = word ^ self.constant;
        self.constant = self.constant.wrapping_mul(self.factor);
        let hashed = changed.wrapping_mul(self.constant);
        hashed ^ (hashed >> 16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_those_of_numpy() {
        // numpy.random.default_rng(seed).permutation(length), NumPy 2.4.
        assert_eq!(Pcg64::new(42).permutation(10), [5, 6, 0, 7, 3, 2, 4, 9, 1, 8]);
        assert_eq!(Pcg64::new(7).permutation(5), [2, 0, 4, 1, 3]);
        assert_eq!(Pcg64::new(12_345_678_901).permutation(6), [3, 1, 4, 0, 5, 2]);
        assert_eq!(seed_state(42)[0], 11_465_652_750_463_011_511);
        assert_eq!(Pcg64::new(42).next_u64(), 14_276_969_152_011_380_360);
        assert_eq!([Pcg64::new(1).permutation(0).len(), Pcg64::new(1).permutation(1).len()], [0, 1]);
    }
}
