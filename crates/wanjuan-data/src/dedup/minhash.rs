//! [`MinHasher`]: MinHash signatures (Broder, 1997).
//!
//! Function i is `h_i(x) = (a_i x + b_i) mod p` with p = 2^61 - 1; the signature of a set is the minimum of
//! each function over the set. The probability that two signatures agree at a place is the Jaccard similarity of the sets.

use internlm_kit::rng::CounterRng;

/// The Mersenne prime 2^61 - 1.
const PRIME: u64 = (1 << 61) - 1;

/// A family of hash functions, a function of the seed alone.
#[derive(Clone, Debug)]
pub struct MinHasher {
    /// (a, b) of each function, 1 <= a < p, 0 <= b < p.
    functions: Vec<(u64, u64)>,
}

impl MinHasher {
    /// A family of `count` functions, which is also the length of signatures.
    #[must_use]
    pub fn new(seed: u64, count: usize) -> Self {
        let (a, b) = (CounterRng::new(seed, "minhash-a"), CounterRng::new(seed, "minhash-b"));
        let function = |i: u64| (1 + a.below(i, PRIME - 1), b.below(i, PRIME));
        Self { functions: (0..count as u64).map(function).collect() }
    }

    /// One minimum per function; all ones for an empty set.
    #[must_use]
    pub fn signature(&self, set: &[u64]) -> Vec<u64> {
        let mut minima = vec![u64::MAX; self.functions.len()];
        for x in set {
            let x = reduce(u128::from(*x));
            for (minimum, (a, b)) in minima.iter_mut().zip(&self.functions) {
                *minimum = (*minimum).min(reduce(u128::from(*a) * u128::from(x) + u128::from(*b)));
            }
        }
        minima
    }
}

/// x mod p: the high bits are worth as much as the low ones, since 2^61 = 1 mod p.
fn reduce(x: u128) -> u64 {
    let folded = (x & u128::from(PRIME)) as u64 + (x >> 61) as u64;
    // x < 2^122, so folded < 2^62: one more fold is enough, then one subtraction.
    let folded = (folded & PRIME) + (folded >> 61);
    if folded >= PRIME { folded - PRIME } else { folded }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn reduce_is_the_remainder(x in 0_u128..(1 << 122)) {
            prop_assert_eq!(u128::from(reduce(x)), x % u128::from(PRIME));
        }
    }

    proptest! {
        /// The signature of a union is the smaller value at each place: what makes it a minimum over the set.
        #[test]
        fn signatures_of_unions_are_minima(
            a in prop::collection::vec(any::<u64>(), 0..20),
            b in prop::collection::vec(any::<u64>(), 0..20),
        ) {
            let hasher = MinHasher::new(7, 16);
            let minima: Vec<u64> =
                hasher.signature(&a).into_iter().zip(hasher.signature(&b)).map(|(x, y)| x.min(y)).collect();
            prop_assert_eq!(hasher.signature(&[&b[..], &a].concat()), minima);
        }
    }

    #[test]
    fn agreement_estimates_similarity() {
        let hasher = MinHasher::new(1, 1000);
        let a: Vec<u64> = (0..300).map(|i: u64| i.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
        // 200 of 400 in common.
        let b: Vec<u64> = (100..400).map(|i: u64| i.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
        let (a, b) = (hasher.signature(&a), hasher.signature(&b));
        let agree = a.iter().zip(&b).filter(|(a, b)| a == b).count();
        assert!((450..550).contains(&agree), "{agree} of 1000 places agree, expected about 500");
    }
}
