//! The usual `tokenizer.json` pipelines without the `tokenizers` crate: added tokens, spaces, words, BPE.
//!
//! Two kinds: the byte alphabet (GPT-2, Qwen, Llama 3, DeepSeek and what we train), and characters with
//! SentencePiece's spaces (Llama 2). Order and rules are those of `TokenizerImpl::encode` and
//! `AddedVocabulary::extract_and_normalize` of the `tokenizers` crate; anything unusual is left to it.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value;
use tokenizers::{AddedToken, Tokenizer as Hf};

use crate::TokenId;
use crate::tokenizer::bpe::{Alphabet, Bpe, Characters, Encoder, Fallback, Merge, UnknownRun, WholeWords};
use crate::tokenizer::byte_alphabet;
use crate::tokenizer::matcher::{Matcher, Part};
use crate::tokenizer::pre_tokenize::PreTokenizer;

/// One way to encode, ready.
pub(in crate::tokenizer) struct Pipeline {
    /// Added tokens of the text as it is.
    raw: Added,
    normalizer: Vec<Rewrite>,
    /// Added tokens of the normalized text.
    normalized: Added,
    /// `None`: all text between added tokens is one word.
    words: Option<PreTokenizer>,
    bpe: Bpe,
}

/// A step of the normalizer.
enum Rewrite {
    /// In front of everything.
    Prepend(String),
    /// Everywhere: from, to.
    Replace(String, String),
}

/// Added tokens to cut out of text.
struct Added {
    matcher: Option<Matcher>,
    special: HashSet<TokenId>,
}

/// Whether special tokens are recognized in text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum SpecialInText {
    Text,
    Token,
}

impl Pipeline {
    /// `None` when the file asks for anything we do not do exactly as the `tokenizers` crate, `engine`, does.
    pub(super) fn of(json: &Value, engine: &Hf) -> Option<Self> {
        let vocabulary = Vocabulary::of(&json["model"])?;
        let normalizer = normalizer(&json["normalizer"])?;
        let words = match &json["pre_tokenizer"] {
            Value::Null => None,
            steps if normalizer.is_empty() => Some(PreTokenizer::byte_level(steps)?),
            _ => return None,
        };
        let mut added: [Vec<(String, TokenId)>; 2] = Default::default();
        let mut special = HashSet::new();
        let tokens: BTreeMap<u32, AddedToken> = engine.get_added_tokens_decoder().into_iter().collect();
        for token in tokens.into_values() {
            if token.single_word || token.lstrip || token.rstrip {
                return None;
            }
            // As the crate numbers it; the id in the file may differ.
            let id = TokenId(engine.token_to_id(&token.content)?);
            if token.special {
                special.insert(id);
            }
            let [raw, normalized] = &mut added;
            match token.normalized {
                true => normalized.push((rewrite(&normalizer, &token.content).into_owned(), id)),
                false => raw.push((token.content, id)),
            }
        }
        let [raw, normalized] = added.map(|tokens| Added::new(&tokens, &special));
        let bpe = vocabulary.bpe(words.is_some())?;
        Some(Self { raw: raw?, normalizer, normalized: normalized?, words, bpe })
    }

    pub(super) fn encode(&self, text: &str) -> Vec<TokenId> {
        self.ids(text, SpecialInText::Text)
    }

    pub(super) fn encode_with_special(&self, text: &str) -> Vec<TokenId> {
        self.ids(text, SpecialInText::Token)
    }

    fn ids(&self, text: &str, special: SpecialInText) -> Vec<TokenId> {
        let mut ids = Vec::with_capacity(text.len() / 3);
        self.bpe.with_encoder(|encoder| {
            for part in self.raw.cut(text, special) {
                match part {
                    Part::Id(id) => ids.push(id),
                    Part::Text(text) => self.part(text, special, encoder, &mut ids),
                }
            }
        });
        ids
    }

    /// The ids of text between added tokens.
    fn part(&self, text: &str, special: SpecialInText, encoder: &mut Encoder<'_>, ids: &mut Vec<TokenId>) {
        let text = rewrite(&self.normalizer, text);
        for part in self.normalized.cut(&text, special) {
            match (part, &self.words) {
                (Part::Id(id), _) => ids.push(id),
                (Part::Text(text), Some(words)) => words.words(text, &mut |word| encoder.word(word, ids)),
                (Part::Text(text), None) => encoder.text(text, ids),
            }
        }
    }
}

impl Added {
    /// `None` when two tokens have the same text.
    fn new(tokens: &[(String, TokenId)], special: &HashSet<TokenId>) -> Option<Self> {
        let different: HashSet<&str> = tokens.iter().map(|(text, _)| text.as_str()).collect();
        if different.len() < tokens.len() {
            return None;
        }
        let special = tokens.iter().map(|(_, id)| *id).filter(|id| special.contains(id)).collect();
        Some(Self { matcher: Matcher::new(tokens), special })
    }

    /// `text` in order. A special token that stays text hides others it overlaps with, as in the crate.
    fn cut<'a>(&self, text: &'a str, special: SpecialInText) -> Vec<Part<'a>> {
        let keep = |id| special == SpecialInText::Token || !self.special.contains(&id);
        Matcher::cut_if(self.matcher.as_ref(), text, keep)
    }
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
