//! A small table of words that were merged before.
//!
//! Every word has one slot, of one cache line; words with the same slot drive each other out. Words that are long
//! or of many ids are not kept. The table only saves time: ids are the same with any contents.

use std::hash::{BuildHasher, Hasher};

use foldhash::fast::RandomState;

use crate::TokenId;

/// Number of slots: a power of two; 1 MiB.
const SLOTS: usize = 1 << 14;
/// Maximum length of a remembered word, in bytes.
const BYTES: usize = 26;
/// Maximum number of ids of a remembered word.
const IDS: usize = 9;

#[derive(Clone, Copy)]
#[repr(align(64))]
struct Slot {
    ids: [TokenId; IDS],
    word: [u8; BYTES],
    /// Length of the word; words are never empty.
    length: u8,
    count: u8,
}

/// The table.
pub(super) struct WordCache {
    slots: Box<[Slot]>,
    hash: RandomState,
}

impl WordCache {
    pub(super) fn new() -> Self {
        let empty = Slot { ids: [TokenId(0); IDS], word: [0; BYTES], length: 0, count: 0 };
        Self { slots: vec![empty; SLOTS].into_boxed_slice(), hash: RandomState::default() }
    }

    /// The slot of a word, if it is short enough to have one.
    pub(super) fn slot(&self, word: &[u8]) -> Option<usize> {
        if word.len() > BYTES {
            return None;
        }
        let mut hasher = self.hash.build_hasher();
        hasher.write(word);
        Some(hasher.finish() as usize % SLOTS)
    }

    /// The ids of the word, if its slot holds it.
    pub(super) fn get(&self, slot: usize, word: &[u8]) -> Option<&[TokenId]> {
        let slot = &self.slots[slot];
        let length = usize::from(slot.length);
        (slot.word.get(..length) == Some(word)).then(|| &slot.ids[..usize::from(slot.count)])
    }

    /// Puts a word into its slot.
    pub(super) fn put(&mut self, slot: usize, word: &[u8], ids: &[TokenId]) {
        if ids.len() <= IDS && word.len() <= BYTES {
            let slot = &mut self.slots[slot];
            slot.word[..word.len()].copy_from_slice(word);
            slot.length = word.len() as u8;
            slot.ids[..ids.len()].copy_from_slice(ids);
            slot.count = ids.len() as u8;
        }
    }
}
