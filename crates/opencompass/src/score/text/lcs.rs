//! Common subsequences of maximum length, and words as numbers so that they compare fast.

use std::collections::HashMap;

/// Gives every different word a number.
#[derive(Debug, Default)]
pub(in crate::score) struct Numbering<'a> {
    numbers: HashMap<&'a str, u32>,
}

impl<'a> Numbering<'a> {
    /// Returns the numbers of some words.
    pub(in crate::score) fn of(&mut self, words: impl Iterator<Item = &'a str>) -> Vec<u32> {
        let mut number = |word: &'a str| {
            let next = self.numbers.len() as u32;
            *self.numbers.entry(word).or_insert(next)
        };
        words.map(&mut number).collect()
    }
}

/// Returns the length of the longest common subsequence.
pub(in crate::score) fn length<T: PartialEq>(one: &[T], other: &[T]) -> usize {
    let mut row = vec![0_usize; other.len() + 1];
    for left in one {
        let mut diagonal = 0;
        for (place, right) in other.iter().enumerate() {
            let above = row[place + 1];
            row[place + 1] = if left == right { diagonal + 1 } else { above.max(row[place]) };
            diagonal = above;
        }
    }
    row[other.len()]
}

/// The lengths for all beginnings of two sequences.
#[derive(Debug)]
pub(in crate::score) struct Table {
    lengths: Vec<u32>,
    width: usize,
}

impl Table {
    /// Computes the table, which has a cell for every pair of beginnings.
    pub(in crate::score) fn new<T: PartialEq>(one: &[T], other: &[T]) -> Self {
        let width = other.len() + 1;
        let mut lengths = vec![0_u32; (one.len() + 1) * width];
        for (i, left) in one.iter().enumerate() {
            for (j, right) in other.iter().enumerate() {
                let cell = (i + 1) * width + j + 1;
                lengths[cell] = if left == right {
                    lengths[cell - width - 1] + 1
                } else {
                    lengths[cell - width].max(lengths[cell - 1])
                };
            }
        }
        Self { lengths, width }
    }

    /// Returns the length for the first `i` and the first `j` elements.
    pub(in crate::score) fn at(&self, i: usize, j: usize) -> u32 {
        self.lengths[i * self.width + j]
    }
}

/// Returns the places in `one` of one longest common subsequence, last first. `prefer` decides where two ways are
/// equally long.
pub(in crate::score) fn places<T: PartialEq>(one: &[T], other: &[T], prefer: Prefer) -> Vec<usize> {
    let table = Table::new(one, other);
    let (mut i, mut j) = (one.len(), other.len());
    let mut found = Vec::new();
    while i > 0 && j > 0 {
        if one[i - 1] == other[j - 1] {
            found.push(i - 1);
            i -= 1;
            j -= 1;
            continue;
        }
        let (without_one, without_other) = (table.at(i - 1, j), table.at(i, j - 1));
        let give_up_other = match prefer {
            Prefer::One => without_other > without_one,
            Prefer::Other => without_one <= without_other,
        };
        if give_up_other { j -= 1 } else { i -= 1 }
    }
    found
}

/// Which sequence gives up its last element where both ways are equally long.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::score) enum Prefer {
    /// The first one: `rouge_score`.
    One,
    /// The second one: `rouge`.
    Other,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_keep_their_numbers() {
        let mut numbering = Numbering::default();
        assert_eq!(numbering.of("a b a".split(' ')), [0, 1, 0]);
        assert_eq!(numbering.of("c b".split(' ')), [2, 1]);
    }

    proptest! {
        #[test]
        fn all_three_agree(one in "[abc]{0,12}", other in "[abc]{0,12}") {
            let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
            let expected = length(&one, &other);
            prop_assert_eq!(Table::new(&one, &other).at(one.len(), other.len()) as usize, expected);
            for prefer in [Prefer::One, Prefer::Other] {
                prop_assert_eq!(places(&one, &other, prefer).len(), expected);
            }
        }
    }
}
