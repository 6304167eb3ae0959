//! Counts repeated lines and n-grams: lines by their hash, n-grams by hashes computed from the hashes of prefixes
//! (Rabin and Karp), so that the cost of an n-gram does not depend on its length.

use xxhash_rust::xxh3::xxh3_64;

use super::words::{length, word_length};

/// Modulus of the n-gram hashes, a Mersenne prime: the probability that any two of a million different n-grams
/// collide is one in a million.
const PRIME: u64 = (1 << 61) - 1;
/// Any number below the modulus will do; it is fixed, so that decisions are reproducible.
const BASE: u64 = 0x0d2b_3a5c_9d7e_2f4b;

fn multiply(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    let folded = (product as u64 & PRIME) + (product >> 61) as u64;
    if folded >= PRIME { folded - PRIME } else { folded }
}

fn add(a: u64, b: u64) -> u64 {
    let sum = a + b;
    if sum >= PRIME { sum - PRIME } else { sum }
}

/// How many lines or paragraphs were seen before, and how many characters they have.
pub(super) fn duplicates(parts: &[&str]) -> (usize, usize) {
    let mut seen = Seen::default();
    seen.reset(parts.len());
    let repeated = parts.iter().filter(|part| !seen.insert(xxh3_64(part.as_bytes())));
    repeated.fold((0, 0), |(count, chars), part| (count + 1, chars + length(part)))
}

/// A set of hashes with open addressing, reused from text to text.
#[derive(Default)]
struct Seen {
    slots: Vec<u64>,
    shift: u32,
}

impl Seen {
    /// Empties the set and makes room for `count` hashes.
    fn reset(&mut self, count: usize) {
        let size = (count * 2).next_power_of_two().max(16);
        self.slots.clear();
        self.slots.resize(size, 0);
        self.shift = 64 - size.trailing_zeros();
    }

    /// Adds `hash` and says whether it is new.
    fn insert(&mut self, hash: u64) -> bool {
        let hash = hash.max(1);
        let mut slot = spread(hash, self.shift);
        while self.slots[slot] != 0 {
            if self.slots[slot] == hash {
                return false;
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        self.slots[slot] = hash;
        true
    }
}

fn spread(hash: u64, shift: u32) -> usize {
    (hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> shift) as usize
}

/// What joins the words of an n-gram before it is hashed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Separator {
    Nothing,
    Space,
}

/// All n-grams of a text.
pub(super) struct Grams {
    /// State before each word and after the last.
    ends: Vec<End>,
    /// Powers of the base up to the longest n-gram in units.
    powers: Vec<u64>,
    separator: usize,
    seen: Seen,
}

/// The state of hashing after some words. Units are bytes, or whole words when a separator keeps them apart.
#[derive(Clone, Copy, Default)]
struct End {
    hash: u64,
    units: usize,
    characters: usize,
}

impl End {
    fn step(&mut self, unit: u64) {
        self.hash = add(multiply(self.hash, BASE), unit);
        self.units += 1;
    }
}

/// An n-gram: how often it occurs, and where it occurs first.
#[derive(Clone, Copy, Default)]
struct Counted {
    hash: u64,
    count: u32,
    first: usize,
}

impl Grams {
    /// The n-grams of `words` up to `longest` words.
    pub(super) fn new(words: &[&str], separator: Separator, longest: usize) -> Self {
        let mut ends = Vec::with_capacity(words.len() + 1);
        let mut end = End::default();
        ends.push(end);
        for word in words {
            match separator {
                Separator::Nothing => word.bytes().for_each(|byte| end.step(u64::from(byte) + 1)),
                // A "word" that holds spaces counts as several when words are joined by spaces.
                Separator::Space if word.as_bytes().contains(&b' ') => {
                    word.split(' ').for_each(|part| end.step(xxh3_64(part.as_bytes()) & PRIME));
                }
                Separator::Space => end.step(xxh3_64(word.as_bytes()) & PRIME),
            }
            end.characters += word_length(word) + usize::from(separator == Separator::Space);
            ends.push(end);
        }
        let last = |first: usize| ends[(first + longest).min(words.len())].units;
        let units = (0..words.len()).map(|first| last(first) - ends[first].units).max().unwrap_or(0);
        let mut powers = Vec::with_capacity(units + 1);
        powers.push(1);
        for at in 0..units {
            powers.push(multiply(powers[at], BASE));
        }
        let separator = usize::from(separator == Separator::Space);
        Self { ends, powers, separator, seen: Seen::default() }
    }

    fn count(&self, n: usize) -> usize {
        if n == 0 { 0 } else { self.ends.len().saturating_sub(n) }
    }

    /// Hash and characters of the n-gram that starts at word `first`.
    #[inline]
    fn gram(&self, first: usize, n: usize) -> (u64, usize) {
        let (from, to) = (self.ends[first], self.ends[first + n]);
        let before = multiply(from.hash, self.powers[to.units - from.units]);
        (add(to.hash, PRIME - before), to.characters - from.characters - self.separator)
    }

    /// Length times count of the most frequent n-gram; among equals the first. It counts even when it occurs once,
    /// as in datatrove.
    pub(super) fn most_frequent(&self, n: usize) -> usize {
        let size = (self.count(n) * 2).next_power_of_two().max(16);
        let shift = 64 - size.trailing_zeros();
        // Slots hold an index into `counted` plus 1; 0 marks an empty slot.
        let mut slots = vec![0_u32; size];
        let mut counted: Vec<Counted> = Vec::new();
        let mut most = Counted::default();
        for first in 0..self.count(n) {
            let hash = self.gram(first, n).0;
            let mut slot = spread(hash, shift);
            while slots[slot] != 0 && counted[slots[slot] as usize - 1].hash != hash {
                slot = (slot + 1) & (size - 1);
            }
            if slots[slot] == 0 {
                counted.push(Counted { hash, count: 0, first });
                slots[slot] = counted.len() as u32;
            }
            let this = &mut counted[slots[slot] as usize - 1];
            this.count += 1;
            if (this.count, most.first) > (most.count, this.first) {
                most = *this;
            }
        }
        if most.count == 0 { 0 } else { self.gram(most.first, n).1 * most.count as usize }
    }

    /// Characters in n-grams that were seen before, scanned from the left; a hit skips its n words.
    pub(super) fn repeated(&mut self, n: usize) -> usize {
        self.seen.reset(self.count(n));
        let (mut at, mut total) = (0, 0);
        while at < self.count(n) {
            let (hash, characters) = self.gram(at, n);
            if self.seen.insert(hash) {
                at += 1;
            } else {
                total += characters;
                at += n;
            }
        }
        total
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    /// datatrove's `find_top_duplicate` and `find_all_duplicate`, word for word.
    fn naive(words: &[String], n: usize) -> (usize, usize) {
        let grams: Vec<String> = words.windows(n).map(|gram| gram.join(" ")).collect();
        let count = |gram: &String| grams.iter().filter(|other| *other == gram).count();
        let mut top = (0, 0);
        for gram in &grams {
            if count(gram) > top.0 {
                top = (count(gram), gram.chars().count());
            }
        }
        let (mut seen, mut at, mut repeated) = (HashSet::new(), 0, 0);
        while at + n <= words.len() {
            let gram = words[at..at + n].concat();
            at += if seen.contains(&gram) { n } else { 1 };
            repeated += if seen.insert(gram.clone()) { 0 } else { gram.chars().count() };
        }
        (top.0 * top.1, repeated)
    }

    proptest! {
        #[test]
        fn counting_is_the_naive_one(words in prop::collection::vec("a|b|ab|ba|é|漢字|a b", 0..60), n in 1_usize..12) {
            let parts: Vec<&str> = words.iter().map(String::as_str).collect();
            let (top, repeated) = naive(&words, n);
            prop_assert_eq!(Grams::new(&parts, Separator::Space, n).most_frequent(n), top);
            prop_assert_eq!(Grams::new(&parts, Separator::Nothing, n).repeated(n), repeated);
        }

        #[test]
        fn duplicates_are_the_naive_ones(parts in prop::collection::vec("a|b|ab||é", 0..30)) {
            let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
            let repeated: Vec<&&str> =
                parts.iter().enumerate().filter(|(at, part)| parts[..*at].contains(part)).map(|(_, part)| part).collect();
            let characters = repeated.iter().map(|part| part.chars().count()).sum::<usize>();
            prop_assert_eq!(duplicates(&parts), (repeated.len(), characters));
        }
    }

    #[test]
    fn n_grams_count_as_in_datatrove() {
        let words = ["a", "bb", "a", "bb", "c"];
        // "a bb" twice: 4 characters each.
        assert_eq!(Grams::new(&words, Separator::Space, 6).most_frequent(2), 8);
        assert_eq!(Grams::new(&words, Separator::Nothing, 6).repeated(2), 3);
        assert_eq!(Grams::new(&words, Separator::Space, 6).most_frequent(6), 0);
        // Joined without a space, "ab c" and "a bc" are the same.
        assert_eq!(Grams::new(&["ab", "c", "a", "bc"], Separator::Nothing, 2).repeated(2), 3);
        assert_eq!(Grams::new(&["ab", "c", "a", "bc"], Separator::Space, 2).most_frequent(2), 4);
    }
}
