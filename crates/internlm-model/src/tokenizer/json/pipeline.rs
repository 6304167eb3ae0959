//! The usual `tokenizer.json` pipelines without the `tokenizers` crate: added tokens, spaces, words, BPE.
//!
//! Two kinds: the byte alphabet (GPT-2, Qwen, Llama 3, DeepSeek and what we train), and characters with
//! SentencePiece's spaces (Llama 2). Order and rules are those of `TokenizerImpl::encode` and
//! `AddedVocabulary::extract_and_normalize` of the `tokenizers` crate; anything unusual is left to it.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use serde_json::Value;
use tokenizers::Tokenizer as Hf;

use super::added::added;
use super::metaspace::Metaspace;
use crate::TokenId;
use crate::tokenizer::added::{Added, AddedTokens, Reading};
use crate::tokenizer::bpe::{Alphabet, Bpe, Characters, Encoder, Fallback, Merge, UnknownRun, WholeWords};
use crate::tokenizer::byte_alphabet;
use crate::tokenizer::matcher::Part;
use crate::tokenizer::pre_tokenize::PreTokenizer;

/// One way to encode, ready.
pub(in crate::tokenizer) struct Pipeline {
    /// Added tokens of the text as it is.
    raw: AddedTokens,
    normalizer: Vec<Rewrite>,
    /// Added tokens of the normalized text.
    normalized: AddedTokens,
    words: Words,
    bpe: Bpe,
}

/// What the text between added tokens is to merges.
enum Words {
    /// One word.
    One,
    /// One word with SentencePiece's spaces, as `Metaspace` writes them.
    Spaced(Metaspace),
    Split(PreTokenizer),
}

/// A step of the normalizer.
enum Rewrite {
    /// In front of everything.
    Prepend(String),
    /// Everywhere: from, to.
    Replace(String, String),
}

impl Pipeline {
    /// `None` when the file asks for anything we do not do exactly as the `tokenizers` crate, `engine`, does.
    pub(super) fn of(json: &Value, engine: &Hf) -> Option<Self> {
        let vocabulary = Vocabulary::of(&json["model"])?;
        let normalizer = normalizer(&json["normalizer"])?;
        let words = match &json["pre_tokenizer"] {
            Value::Null => Words::One,
            step if step["type"] == "Metaspace" => Words::Spaced(Metaspace::of(step)?),
            steps if normalizer.is_empty() => Words::Split(PreTokenizer::byte_level(steps)?),
            _ => return None,
        };
        let [raw, normalized] = added(engine, |text| rewrite(&normalizer, text).into_owned());
        if [&raw, &normalized].into_iter().any(|tokens| has_equal_texts(tokens)) {
            return None;
        }
        let [raw, normalized] = [raw, normalized].map(|tokens| AddedTokens::new(&tokens));
        let bpe = vocabulary.bpe(matches!(words, Words::Split(_)))?;
        Some(Self { raw, normalizer, normalized, words, bpe })
    }

    pub(super) fn read(&self, text: &str, reading: Reading) -> Vec<TokenId> {
        let mut ids = Vec::with_capacity(text.len() / 3);
        self.bpe.with_encoder(|encoder| {
            for (place, part) in self.raw.cut(text, reading).into_iter().enumerate() {
                match part {
                    Part::Id(id) => ids.push(id),
                    Part::Text(text) => self.part(text, place, reading, encoder, &mut ids),
                }
            }
        });
        ids
    }

    /// The ids of text between added tokens; `place` counts the parts of the whole text.
    fn part(
        &self,
        text: &str,
        place: usize,
        reading: Reading,
        encoder: &mut Encoder<'_>,
        ids: &mut Vec<TokenId>,
    ) {
        let text = rewrite(&self.normalizer, text);
        for (inner, part) in self.normalized.cut(&text, reading).into_iter().enumerate() {
            let shown = match part {
                Part::Id(id) => {
                    ids.push(id);
                    continue;
                }
                Part::Text(text) => reading.shown(text),
            };
            match &self.words {
                Words::Split(words) => words.words(&shown, &mut |word| encoder.word(word, ids)),
                Words::Spaced(spaces) => encoder.text(&spaces.apply(&shown, place + inner), ids),
                Words::One => encoder.text(&shown, ids),
            }
        }
    }
}

/// The `tokenizers` crate finds the last of two tokens with the same text.
fn has_equal_texts(tokens: &[Added]) -> bool {
    let different: HashSet<&str> = tokens.iter().map(|token| token.text.as_str()).collect();
    different.len() < tokens.len()
}

fn normalizer(json: &Value) -> Option<Vec<Rewrite>> {
    let steps = match json["type"].as_str() {
        None if json.is_null() => return Some(Vec::new()),
        Some("Sequence") => &json["normalizers"].as_array()?[..],
        _ => std::slice::from_ref(json),
    };
    steps
        .iter()
        .map(|step| match step["type"].as_str()? {
            "Prepend" => Some(Rewrite::Prepend(step["prepend"].as_str()?.to_owned())),
            "Replace" => {
                let from = step["pattern"]["String"].as_str().filter(|from| !from.is_empty())?;
                Some(Rewrite::Replace(from.to_owned(), step["content"].as_str()?.to_owned()))
            }
            _ => None,
        })
        .collect()
}

fn rewrite<'a>(normalizer: &[Rewrite], text: &'a str) -> Cow<'a, str> {
    let mut text = Cow::Borrowed(text);
    for step in normalizer {
        text = match step {
            Rewrite::Prepend(_) if text.is_empty() => text,
            Rewrite::Prepend(prefix) => Cow::Owned(format!("{prefix}{text}")),
            Rewrite::Replace(from, to) => Cow::Owned(text.replace(from.as_str(), to)),
        };
    }
    text
}

/// A BPE model as it is written in the file.
struct Vocabulary<'a> {
    model: &'a Value,
    ids: HashMap<&'a str, u32>,
    merges: Vec<Merge>,
}

impl<'a> Vocabulary<'a> {
    fn of(model: &'a Value) -> Option<Self> {
        let absent = |key: &str| model[key].is_null() || model[key] == "";
        let plain = ["continuing_subword_prefix", "end_of_word_suffix"].into_iter().all(absent)
            && (model["dropout"].is_null() || model["dropout"] == 0.0);
        if model["type"] != "BPE" || !plain {
            return None;
        }
        let ids = model["vocab"].as_object()?.iter();
        let ids = ids.map(|(name, id)| Some((name.as_str(), u32::try_from(id.as_u64()?).ok()?)));
        let ids: HashMap<&str, u32> = ids.collect::<Option<_>>()?;
        let different: HashSet<u32> = ids.values().copied().collect();
        if different.len() < ids.len() {
            return None;
        }
        let mut joined = String::new();
        let merges = model["merges"].as_array()?.iter().map(|merge| {
            let (left, right) = match merge {
                Value::String(pair) => pair.split_once(' ')?,
                pair => (pair[0].as_str()?, pair[1].as_str()?),
            };
            joined.clear();
            joined.extend([left, right]);
            let id = |name: &str| ids.get(name).copied().filter(|_| !name.is_empty());
            Some(Merge { left: id(left)?, right: id(right)?, merged: id(&joined)? })
        });
        let merges = merges.collect::<Option<Vec<Merge>>>()?;
        Some(Self { model, ids, merges })
    }

    fn bpe(&self, byte_level: bool) -> Option<Bpe> {
        let alphabet = if byte_level { self.bytes()? } else { self.characters() };
        let mut whole = WholeWords::default();
        if self.model["ignore_merges"] == true {
            // No word can be an entry outside of the byte alphabet.
            let spelled = |name: &str| match byte_level {
                true => byte_alphabet::bytes(name),
                false => Some(name.as_bytes().to_vec()),
            };
            whole.extend(self.ids.iter().filter_map(|(name, id)| Some((spelled(name)?, *id))));
        }
        let names: HashMap<u32, &str> = self.ids.iter().map(|(name, id)| (*id, *name)).collect();
        Some(Bpe::new(alphabet, &self.merges, whole, |id| names[&id]))
    }

    /// `None` if bytes without an id would become something else.
    fn bytes(&self) -> Option<Alphabet> {
        let id = |byte: usize| self.ids.get(byte_alphabet::text(&[byte as u8]).as_str()).copied();
        let ids: [Option<u32>; 256] = std::array::from_fn(id);
        let left_out = self.model["unk_token"].is_null() && self.model["byte_fallback"] != true;
        (left_out || ids.iter().all(Option::is_some)).then(|| Alphabet::Bytes(Box::new(ids)))
    }

    fn characters(&self) -> Alphabet {
        let find = |name: &str| self.ids.get(name).copied();
        let byte_fallback = self.model["byte_fallback"] == true;
        let byte = |byte: usize| find(&format!("<0x{byte:02X}>")).filter(|_| byte_fallback);
        let fallback = Fallback {
            bytes: Box::new(std::array::from_fn(byte)),
            unknown: self.model["unk_token"].as_str().and_then(find),
            run: if self.model["fuse_unk"] == true { UnknownRun::Fused } else { UnknownRun::Single },
        };
        let names = self.ids.iter().map(|(name, id)| (*name, *id));
        Alphabet::Characters(Box::new(Characters::new(names, fallback)))
    }
}
