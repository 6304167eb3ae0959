//! [`Bpe`]: a vocabulary ready to encode, and [`Encoder`]: one call that encodes with it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use foldhash::fast::RandomState;

use super::alphabet::Alphabet;
use super::borders::Borders;
use super::cache::WordCache;
use super::merges::{Merge, Merges, Scratch};
use crate::TokenId;

/// Words that are their own id whatever the merges say, by their bytes.
pub(in crate::tokenizer) type WholeWords = HashMap<Vec<u8>, u32, RandomState>;

/// A BPE vocabulary ready to encode.
pub(in crate::tokenizer) struct Bpe {
    alphabet: Alphabet,
    merges: Merges,
    /// Where text can be cut without changing ids; `None` when nowhere.
    borders: Option<Borders>,
    whole: WholeWords,
    /// Memory of encoding calls that are over, for calls to come: one for every call at the same time.
    idle: Mutex<Vec<Worker>>,
}

/// What one encoding call needs.
struct Worker {
    cache: WordCache,
    scratch: Scratch,
}

impl Bpe {
    /// `name` gives the text of an id.
    pub(in crate::tokenizer) fn new<'a>(
        alphabet: Alphabet,
        merges: &[Merge],
        whole: WholeWords,
        name: impl Fn(u32) -> &'a str,
    ) -> Self {
        let borders = match &alphabet {
            Alphabet::Characters(characters) => {
                let fallback = characters.fallback();
                let parts = merges.iter().flat_map(|merge| [merge.left, merge.right]);
                let independent =
                    fallback.is_complete() && !parts.into_iter().any(|id| fallback.contains(id));
                let sides = merges.iter().map(|merge| (name(merge.left), name(merge.right)));
                (independent && whole.is_empty()).then(|| Borders::new(sides))
            }
            Alphabet::Bytes(_) => None,
        };
        let idle = Mutex::new(Vec::new());
        Self { alphabet, merges: Merges::new(merges), borders, whole, idle }
    }

    /// Calls `work` with an encoder; calls at the same time do not wait for each other.
    pub(in crate::tokenizer) fn with_encoder<R>(&self, work: impl FnOnce(&mut Encoder<'_>) -> R) -> R {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = idle().pop();
        let mut worker =
            waiting.unwrap_or_else(|| Worker { cache: WordCache::new(), scratch: Scratch::default() });
        let result = work(&mut Encoder { bpe: self, worker: &mut worker });
        worker.scratch.shrink();
        idle().push(worker);
        result
    }
}

/// Encodes words one after the other.
pub(in crate::tokenizer) struct Encoder<'a> {
    bpe: &'a Bpe,
    worker: &'a mut Worker,
}

impl Encoder<'_> {
    /// Appends the ids of `text`, all of it one word as far as merges can tell.
    pub(in crate::tokenizer) fn text(&mut self, text: &str, ids: &mut Vec<TokenId>) {
        match &self.bpe.borders {
            Some(borders) => borders.cut(text, |word| self.word(word, ids)),
            None => self.word(text, ids),
        }
    }

    /// Appends the ids of a word.
    pub(in crate::tokenizer) fn word(&mut self, word: &str, ids: &mut Vec<TokenId>) {
        let cache = &mut self.worker.cache;
        let Some(slot) = cache.slot(word.as_bytes()) else { return self.merge(word, ids) };
        if let Some(known) = cache.get(slot, word.as_bytes()) {
            return ids.extend_from_slice(known);
        }
        let start = ids.len();
        self.merge(word, ids);
        self.worker.cache.put(slot, word.as_bytes(), &ids[start..]);
    }

    fn merge(&mut self, word: &str, ids: &mut Vec<TokenId>) {
        if !self.bpe.whole.is_empty()
            && let Some(&id) = self.bpe.whole.get(word.as_bytes())
        {
            return ids.push(TokenId(id));
        }
        let scratch = &mut self.worker.scratch;
        self.bpe.alphabet.symbols(word, &mut scratch.symbols);
        self.bpe.merges.apply(scratch);
        ids.extend(scratch.symbols.iter().map(|&id| TokenId(id)));
    }
}
