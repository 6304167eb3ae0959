//! Cutting text where no merge can reach across: short words are merged faster than whole lines.
//!
//! A merge over the border between characters a and b joins a symbol that ends in a and one that starts with b.
//! Where no merge of the vocabulary does, both sides are independent, and cutting there changes no id. In text
//! with spaces that is nearly every word.

use std::collections::HashSet;

use foldhash::fast::RandomState;

/// The pairs of characters over whose border something merges.
pub(super) struct Borders {
    /// Both ASCII: a bit for every second character, by the first.
    ascii: Box<[u128; 128]>,
    others: HashSet<(char, char), RandomState>,
}

impl Borders {
    /// From the two sides of every merge.
    pub(super) fn new<'a>(merges: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let mut borders = Self { ascii: Box::new([0; 128]), others: HashSet::default() };
        for (left, right) in merges {
            let (Some(left), Some(right)) = (left.chars().next_back(), right.chars().next()) else {
                continue;
            };
            if left.is_ascii() && right.is_ascii() {
                borders.ascii[left as usize] |= 1 << right as u32;
            } else {
                borders.others.insert((left, right));
            }
        }
        borders
    }

    fn merges(&self, left: char, right: char) -> bool {
        if left.is_ascii() && right.is_ascii() {
            return self.ascii[left as usize] >> right as u32 & 1 == 1;
        }
        self.others.contains(&(left, right))
    }

    /// Calls `word` with the independent parts of `text`, in order.
    pub(super) fn cut<'a>(&self, text: &'a str, mut word: impl FnMut(&'a str)) {
        let mut start = 0;
        let mut before = None;
        for (at, character) in text.char_indices() {
            if before.is_some_and(|before| !self.merges(before, character)) {
                word(&text[start..at]);
                start = at;
            }
            before = Some(character);
        }
        if start < text.len() {
            word(&text[start..]);
        }
    }
}
