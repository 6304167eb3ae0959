//! `difflib.SequenceMatcher(None, a, b).ratio()` of Python, its rule for popular letters included.

use std::collections::HashMap;

/// Length of the second text from which letters that make up more than one percent of it start no match.
const POPULAR_FROM: usize = 200;

/// Returns twice the number of matching letters by the length of both texts; 1 if both are empty.
pub(in crate::score) fn ratio(one: &str, other: &str) -> f64 {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let both = one.len() + other.len();
    if both == 0 {
        return 1.0;
    }
    2.0 * Matcher::new(&one, &other).matches() as f64 / both as f64
}

struct Matcher<'a> {
    one: &'a [char],
    other: &'a [char],
    /// Letter -> its places in the second text, in order; without the popular letters.
    places: HashMap<char, Vec<usize>>,
}

/// A part of both texts: from and to in the first one, from and to in the second one.
type Part = (usize, usize, usize, usize);

impl<'a> Matcher<'a> {
    fn new(one: &'a [char], other: &'a [char]) -> Self {
        let mut places: HashMap<char, Vec<usize>> = HashMap::new();
        for (place, letter) in other.iter().enumerate() {
            places.entry(*letter).or_default().push(place);
        }
        if other.len() >= POPULAR_FROM {
            let most = other.len() / 100 + 1;
            places.retain(|_, places| places.len() <= most);
        }
        Self { one, other, places }
    }

    /// The number of letters in all matching blocks.
    fn matches(&self) -> usize {
        let mut parts: Vec<Part> = vec![(0, self.one.len(), 0, self.other.len())];
        let mut total = 0;
        while let Some(part) = parts.pop() {
            let (start, end, other_start, other_end) = part;
            let (i, j, size) = self.longest(part);
            if size == 0 {
                continue;
            }
            total += size;
            if start < i && other_start < j {
                parts.push((start, i, other_start, j));
            }
            if i + size < end && j + size < other_end {
                parts.push((i + size, end, j + size, other_end));
            }
        }
        total
    }

    /// The longest block of a part: its places in both texts and its length. Of several the earliest.
    fn longest(&self, (start, end, other_start, other_end): Part) -> (usize, usize, usize) {
        let (mut best_i, mut best_j, mut best) = (start, other_start, 0);
        // Place in the second text -> length of the block that ends there and at the letter before.
        let mut lengths: HashMap<usize, usize> = HashMap::new();
        for i in start..end {
            let mut next: HashMap<usize, usize> = HashMap::new();
            let places = self.places.get(&self.one[i]).map_or(&[][..], Vec::as_slice);
            let first = places.partition_point(|place| *place < other_start);
            for &j in places[first..].iter().take_while(|place| **place < other_end) {
                let before = if j == 0 { 0 } else { lengths.get(&(j - 1)).copied().unwrap_or(0) };
                let length = before + 1;
                next.insert(j, length);
                if length > best {
                    (best_i, best_j, best) = (i + 1 - length, j + 1 - length, length);
                }
            }
            lengths = next;
        }
        // Popular letters extend a block.
        while best_i > start && best_j > other_start && self.one[best_i - 1] == self.other[best_j - 1] {
            (best_i, best_j, best) = (best_i - 1, best_j - 1, best + 1);
        }
        while best_i + best < end
            && best_j + best < other_end
            && self.one[best_i + best] == self.other[best_j + best]
        {
            best += 1;
        }
        (best_i, best_j, best)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_pythons() {
        assert_eq!(ratio("", ""), 1.0);
        assert_eq!(ratio("abcd", "bcde"), 0.75);
        assert_eq!(
            ratio("private Thread currentThread;", "private volatile Thread currentThread;"),
            58.0 / 67.0
        );
    }

    #[test]
    fn popular_letters_start_no_match() {
        let (one, other) = ("b".repeat(10), "b".repeat(300));
        assert_eq!(
            ratio(&one, &other),
            20.0 / 310.0,
            "blocks without any start still grow from the beginning"
        );
    }
}
