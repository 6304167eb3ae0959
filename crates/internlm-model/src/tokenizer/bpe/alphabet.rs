//! The first symbols of a word, before anything is merged.
//!
//! Equal to `BPE::merge_word` of the `tokenizers` crate (`models/bpe/model.rs`).

use std::collections::HashMap;

use foldhash::fast::RandomState;

/// What the smallest symbols are.
pub(in crate::tokenizer) enum Alphabet {
    /// Bytes; one without an id is left out.
    Bytes(Box<[Option<u32>; 256]>),
    /// Characters, and something for those that have no id.
    Characters(Box<Characters>),
}

/// Characters with ids.
pub(in crate::tokenizer) struct Characters {
    ascii: [Option<u32>; 128],
    others: HashMap<char, u32, RandomState>,
    fallback: Fallback,
}

/// What characters without an id become.
pub(in crate::tokenizer) struct Fallback {
    /// Their bytes, if all of these have an id.
    pub(in crate::tokenizer) bytes: Box<[Option<u32>; 256]>,
    /// Otherwise this, or nothing.
    pub(in crate::tokenizer) unknown: Option<u32>,
    /// How often, for several in a row.
    pub(in crate::tokenizer) run: UnknownRun,
}

/// Several unknown characters in a row.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::tokenizer) enum UnknownRun {
    /// One symbol for all of them.
    Fused,
    /// One symbol each.
    Single,
}

impl Fallback {
    /// Whether no character is ever unknown.
    pub(super) fn is_complete(&self) -> bool {
        self.bytes.iter().all(Option::is_some)
    }

    /// Whether `id` is what a character without an id may become.
    pub(super) fn contains(&self, id: u32) -> bool {
        self.unknown == Some(id) || self.bytes.contains(&Some(id))
    }
}

impl Characters {
    /// From the vocabulary's names of one character.
    pub(in crate::tokenizer) fn new<'a>(
        vocabulary: impl Iterator<Item = (&'a str, u32)>,
        fallback: Fallback,
    ) -> Self {
        let mut characters = Self { ascii: [None; 128], others: HashMap::default(), fallback };
        for (name, id) in vocabulary {
            let mut all = name.chars();
            let (Some(character), None) = (all.next(), all.next()) else { continue };
            match characters.ascii.get_mut(character as usize) {
                Some(entry) => *entry = Some(id),
                None => drop(characters.others.insert(character, id)),
            }
        }
        characters
    }

    pub(super) fn fallback(&self) -> &Fallback {
        &self.fallback
    }

    fn id(&self, character: char) -> Option<u32> {
        match self.ascii.get(character as usize) {
            Some(id) => *id,
            None => self.others.get(&character).copied(),
        }
    }

    fn symbols(&self, word: &str, symbols: &mut Vec<u32>) {
        let Fallback { bytes, unknown, run } = &self.fallback;
        let mut pending = None;
        for character in word.chars() {
            if let Some(id) = self.id(character) {
                symbols.extend(pending.take());
                symbols.push(id);
                continue;
            }
            let mut buffer = [0; 4];
            let utf8 = character.encode_utf8(&mut buffer).as_bytes();
            if utf8.iter().all(|&byte| bytes[usize::from(byte)].is_some()) {
                symbols.extend(utf8.iter().filter_map(|&byte| bytes[usize::from(byte)]));
                continue;
            }
            if *run == UnknownRun::Single {
                symbols.extend(pending.take());
            }
            pending = *unknown;
        }
        symbols.extend(pending);
    }
}

impl Alphabet {
    /// Puts the first symbols of `word` into `symbols`.
    pub(super) fn symbols(&self, word: &str, symbols: &mut Vec<u32>) {
        symbols.clear();
        match self {
            Self::Bytes(ids) => symbols.extend(word.bytes().filter_map(|byte| ids[usize::from(byte)])),
            Self::Characters(characters) => characters.symbols(word, symbols),
        }
    }
}
