//! Training of a byte-level BPE vocabulary, deterministic for any order of texts and number of threads.
//!
//! Byte-pair encoding of words (Sennrich, Haddow, Birch: "Neural machine translation of rare words with
//! subword units", ACL 2016): merge the most frequent pair, again and again. Ties go to the smaller pair of
//! ids. A heap with stale entries finds the next pair; only words that hold the pair are touched.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, HashSet};

use rayon::iter::{ParallelBridge, ParallelIterator};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::settings::{self, Settings};
use super::source::{Source, SpecialIds};
use super::{Tokenizer, beside, byte_alphabet, json as json_form, pre_tokenize};
use crate::{Error, Result, TokenId, marks};

/// Special tokens of a trained vocabulary, ids 0 to 8: InternLM2's names.
const SPECIALS: [&str; 9] = [
    "<unk>",
    "<s>",
    "</s>",
    marks::PLUGIN,
    marks::INTERPRETER,
    marks::ACTION_END,
    marks::ACTION_START,
    marks::IM_END,
    marks::IM_START,
];

/// What the trained vocabulary looks like.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[non_exhaustive]
pub struct BpeTrainConfig {
    /// Number of ids, the 9 special tokens and 256 bytes included. Default 2048. Fewer when the texts run out
    /// of pairs.
    pub vocab_size: usize,
    /// Pairs seen less often are not merged. Default 2.
    pub min_frequency: u64,
}

impl Default for BpeTrainConfig {
    fn default() -> Self {
        Self::new(2048)
    }
}

impl BpeTrainConfig {
    /// A vocabulary of `vocab_size` ids, from pairs that are seen at least twice.
    #[must_use]
    pub fn new(vocab_size: usize) -> Self {
        Self { vocab_size, min_frequency: 2 }
    }

    /// Sets how often a pair must be seen to be merged.
    #[must_use]
    pub fn with_min_frequency(mut self, min_frequency: u64) -> Self {
        self.min_frequency = min_frequency;
        self
    }
}

/// Trains byte-level BPE on `texts`, digits split singly. The same texts in any order give the same vocabulary.
///
/// Ids: `<unk>` 0, `<s>` 1, `</s>` 2, the six chat tokens 3 to 8, the 256 bytes, then merges.
///
/// # Errors
/// A vocabulary size below 265.
pub fn train_bpe(texts: impl Iterator<Item = String> + Send, config: &BpeTrainConfig) -> Result<Tokenizer> {
    let smallest = SPECIALS.len() + 256;
    if config.vocab_size < smallest {
        let expected = format!(">= {smallest}: 9 special tokens and 256 bytes");
        return Err(Error::argument("vocab-size", config.vocab_size, expected));
    }
    let mut trainer = Trainer::new(count_words(texts));
    while trainer.tokens.len() < config.vocab_size && trainer.merge_next(config.min_frequency) {}
    build(&trainer)
}

/// How often each word occurs, sorted by the word's bytes.
fn count_words(texts: impl Iterator<Item = String> + Send) -> BTreeMap<Vec<u8>, u64> {
    let count = |mut counts: HashMap<Vec<u8>, u64>, text: String| {
        pre_tokenize::words(&text, |word| match counts.get_mut(word.as_bytes()) {
            Some(count) => *count += 1,
            None => {
                counts.insert(word.as_bytes().to_vec(), 1);
            }
        });
        counts
    };
    let add = |mut left: HashMap<Vec<u8>, u64>, right: HashMap<Vec<u8>, u64>| {
        for (word, count) in right {
            *left.entry(word).or_default() += count;
        }
        left
    };
    texts.par_bridge().fold(HashMap::new, count).reduce(HashMap::new, add).into_iter().collect()
}

/// A pair of neighboring tokens.
type Pair = (u32, u32);

/// A distinct word of the texts as tokens, and how often it occurs.
struct Word {
    tokens: Vec<u32>,
    count: u64,
}

/// The state of training.
struct Trainer {
    words: Vec<Word>,
    /// Current frequency of each pair, and the words that hold it (some may not any more).
    pairs: HashMap<Pair, (u64, HashSet<usize>)>,
    /// Most frequent pair first; entries whose frequency has changed since are stale.
    queue: BinaryHeap<(u64, Reverse<Pair>)>,
    /// Bytes of each token; specials are empty.
    tokens: Vec<Vec<u8>>,
    ids: HashMap<Vec<u8>, u32>,
    merges: Vec<Pair>,
}

impl Trainer {
    fn new(counts: BTreeMap<Vec<u8>, u64>) -> Self {
        let first = SPECIALS.len() as u32;
        let mut tokens = vec![Vec::new(); SPECIALS.len()];
        tokens.extend((0..=255_u8).map(|byte| vec![byte]));
        let ids = tokens.iter().enumerate().skip(SPECIALS.len());
        let ids = ids.map(|(id, bytes)| (bytes.clone(), id as u32)).collect();
        let words: Vec<Word> = counts
            .into_iter()
            .map(|(word, count)| Word {
                tokens: word.iter().map(|&byte| first + u32::from(byte)).collect(),
                count,
            })
            .collect();
        let mut trainer =
            Self { words, pairs: HashMap::new(), queue: BinaryHeap::new(), tokens, ids, merges: Vec::new() };
        for index in 0..trainer.words.len() {
            let word = &trainer.words[index];
            for pair in word.tokens.windows(2) {
                let (count, holders) = trainer.pairs.entry((pair[0], pair[1])).or_default();
                *count += word.count;
                holders.insert(index);
            }
        }
        trainer.queue = trainer.pairs.iter().map(|(&pair, (count, _))| (*count, Reverse(pair))).collect();
        trainer
    }

    /// Merges the most frequent pair; `false` when none is frequent enough.
    fn merge_next(&mut self, min_frequency: u64) -> bool {
        while let Some((count, Reverse(pair))) = self.queue.pop() {
            if self.pairs.get(&pair).is_none_or(|(current, _)| *current != count) {
                continue;
            }
            if count < min_frequency.max(1) {
                return false;
            }
            self.merge(pair);
            return true;
        }
        false
    }

    fn merge(&mut self, pair: Pair) {
        let bytes = [&self.tokens[pair.0 as usize][..], &self.tokens[pair.1 as usize]].concat();
        // Two pairs may spell the same token: it keeps its first id.
        let new = *self.ids.entry(bytes.clone()).or_insert(self.tokens.len() as u32);
        if new as usize == self.tokens.len() {
            self.tokens.push(bytes);
        }
        self.merges.push(pair);
        let (_, holders) = self.pairs.remove(&pair).unwrap_or_default();
        let mut changed = HashSet::new();
        for index in holders {
            self.merge_in_word(index, pair, new, &mut changed);
        }
        changed.remove(&pair);
        for pair in changed {
            if let Some((count, _)) = self.pairs.get(&pair)
                && *count > 0
            {
                self.queue.push((*count, Reverse(pair)));
            }
        }
    }

    /// Replaces `pair` by `new` in one word and corrects the frequencies of the pairs around it.
    fn merge_in_word(&mut self, index: usize, pair: Pair, new: u32, changed: &mut HashSet<Pair>) {
        let count = self.words[index].count;
        let old = std::mem::take(&mut self.words[index].tokens);
        let mut merged = Vec::with_capacity(old.len());
        let mut at = 0;
        while at < old.len() {
            if at + 1 < old.len() && (old[at], old[at + 1]) == pair {
                merged.push(new);
                at += 2;
            } else {
                merged.push(old[at]);
                at += 1;
            }
        }
        if merged.len() < old.len() {
            for gone in old.windows(2).map(|pair| (pair[0], pair[1])).filter(|gone| *gone != pair) {
                if let Some((frequency, _)) = self.pairs.get_mut(&gone) {
                    *frequency -= count;
                    changed.insert(gone);
                }
            }
            for come in merged.windows(2).map(|pair| (pair[0], pair[1])) {
                let (frequency, holders) = self.pairs.entry(come).or_default();
                *frequency += count;
                holders.insert(index);
                changed.insert(come);
            }
        }
        self.words[index].tokens = merged;
    }
}

/// The trained vocabulary as a `tokenizer.json`, loaded like any other.
fn build(trainer: &Trainer) -> Result<Tokenizer> {
    let name = |id: usize| match SPECIALS.get(id) {
        Some(name) => (*name).to_owned(),
        None => byte_alphabet::text(&trainer.tokens[id]),
    };
    let vocabulary: serde_json::Map<String, Value> =
        (0..trainer.tokens.len()).map(|id| (name(id), json!(id))).collect();
    let merges: Vec<Value> = trainer
        .merges
        .iter()
        .map(|&(left, right)| json!([name(left as usize), name(right as usize)]))
        .collect();
    let added: Vec<Value> = SPECIALS
        .iter()
        .enumerate()
        .map(|(id, name)| {
            json!({"id": id, "content": name, "single_word": false, "lstrip": false, "rstrip": false,
                "normalized": false, "special": true})
        })
        .collect();
    let byte_level =
        json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true});
    let json = json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": added,
        "normalizer": null,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": true}, &byte_level]},
        "post_processor": null,
        "decoder": &byte_level,
        "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
            "vocab": vocabulary, "merges": merges},
    });
    let settings =
        Settings { bos: Some(TokenId(1)), eos: Some(TokenId(2)), pad: Some(TokenId(2)), add_bos: true };
    let specials: Vec<(TokenId, &str)> =
        SPECIALS.iter().enumerate().map(|(id, name)| (TokenId(id as u32), *name)).collect();
    let config = format!("{:#}\n", settings::written(settings, &specials)).into_bytes();
    let path = std::path::Path::new("trained vocabulary");
    json_form::build(Source {
        path,
        bytes: format!("{json:#}\n").into_bytes(),
        config: beside::config(&config, path)?,
        beside: vec![(settings::FILE.to_owned(), config)],
        ids: SpecialIds::default(),
        repeated: Vec::new(),
    })
}

#[cfg(test)]
mod tests;
