//! `tokenizer.json`: the `tokenizers` crate splits and merges, our table of pieces decodes.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

use serde_json::Value;
use tokenizers::{Model as _, Tokenizer as Hf};

use super::load::Source;
use super::matcher::Matcher;
use super::pieces::{Kind, Pieces};
use super::settings::Settings;
use super::tokenizer::{Engine, Inner};
use super::{Tokenizer, byte_alphabet, pre_tokenize};
use crate::{Error, Result, TokenId};

/// The two ways to encode.
pub(super) struct JsonEngine {
    /// Special tokens are text.
    plain: Hf,
    /// Special tokens are recognized; made at the first use.
    special: OnceLock<Hf>,
    /// Whether plain text can take the short way: our own pre-tokenizer, then the model.
    words: Option<Words>,
}

impl JsonEngine {
    pub(super) fn encode(&self, text: &str) -> Vec<TokenId> {
        match self.words {
            Some(words) => words.encode(&self.plain, text),
            None => ids(&self.plain, text),
        }
    }

    pub(super) fn encode_with_special(&self, text: &str) -> Vec<TokenId> {
        let special = self.special.get_or_init(|| {
            let mut special = self.plain.clone();
            special.set_encode_special_tokens(false);
            special
        });
        ids(special, text)
    }
}

/// GPT-2's words with single digits: vocabularies we train. Five times as fast as the general way, which keeps
/// track of where every byte came from; the ids are the same.
#[derive(Clone, Copy)]
struct Words;

impl Words {
    /// The short way, if the file asks for exactly this and nothing else.
    fn of(json: &Value) -> Option<Self> {
        let byte_level = |step: &Value| {
            step["type"] == "ByteLevel" && step["add_prefix_space"] == false && step["use_regex"] != false
        };
        let digits = |step: &Value| step["type"] == "Digits" && step["individual_digits"] == true;
        let pre_tokenizer = &json["pre_tokenizer"];
        let steps = pre_tokenizer["pretokenizers"].as_array()?;
        let [first, second] = &steps[..] else { return None };
        let plain = pre_tokenizer["type"] == "Sequence"
            && digits(first)
            && byte_level(second)
            && json["normalizer"].is_null()
            && json["model"]["type"] == "BPE"
            && json["added_tokens"]
                .as_array()
                .is_none_or(|tokens| tokens.iter().all(|token| token["special"] == true));
        plain.then_some(Self)
    }

    fn encode(self, engine: &Hf, text: &str) -> Vec<TokenId> {
        let mut ids = Vec::with_capacity(text.len() / 3);
        let mut spelled = String::new();
        pre_tokenize::words(text, |word| {
            spelled.clear();
            spelled.extend(word.bytes().map(byte_alphabet::to_char));
            let tokens = engine.get_model().tokenize(&spelled);
            let tokens = tokens.expect("encoding fails only with a vocabulary that loading refuses");
            ids.extend(tokens.iter().map(|token| TokenId(token.id)));
        });
        ids
    }
}

fn ids(engine: &Hf, text: &str) -> Vec<TokenId> {
    let encoding = engine.encode_fast(text, false);
    let encoding = encoding.expect("encoding fails only with a vocabulary that loading refuses");
    encoding.get_ids().iter().map(|&id| TokenId(id)).collect()
}

/// Builds a tokenizer from a `tokenizer.json` and its `tokenizer_config.json`.
pub(super) fn build(source: Source<'_>) -> Result<Tokenizer> {
    let json: Value = serde_json::from_slice(&source.bytes)
        .map_err(|error| Error::tokenizer(source.path, error.to_string()))?;
    let mut engine =
        Hf::from_bytes(&source.bytes).map_err(|error| Error::tokenizer(source.path, error.to_string()))?;
    // Neither belongs to a text: lengths are the caller's business.
    engine.with_padding(None);
    engine.with_truncation(None).map_err(|error| Error::tokenizer(source.path, error.to_string()))?;
    engine.set_encode_special_tokens(true);
    check_unknown(&json, &engine, source.path)?;
    let style = Style::of(&json).map_err(|message| Error::tokenizer(source.path, message))?;
    let (pieces, added) = pieces(&engine, &style);
    let lookup = |name: &str| engine.token_to_id(name).map(TokenId);
    let special = |name: &str| lookup(name).filter(|&id| pieces.kind(id) == Kind::Special);
    let guess = Settings { bos: special("<s>"), eos: special("</s>"), ..Settings::default() };
    let settings = source.config.settings(lookup, guess);
    let special: Vec<(String, TokenId)> = pieces.specials().map(|(id, name)| (name.to_owned(), id)).collect();
    let special = Matcher::new(&special);
    let templates = source.config.templates();
    let mut files = vec![("tokenizer.json".to_owned(), source.bytes)];
    files.extend(source.beside);
    let engine = JsonEngine { plain: engine, special: OnceLock::new(), words: Words::of(&json) };
    let engine = Engine::Json(Box::new(engine));
    Ok(Tokenizer::new(Inner { engine, pieces, added, special, settings, templates, files }))
}

/// An unknown token that is named but not in the vocabulary would make encoding fail later.
fn check_unknown(json: &Value, engine: &Hf, path: &Path) -> Result<()> {
    match json["model"]["unk_token"].as_str() {
        Some(name) if engine.get_model().token_to_id(name).is_none() => Err(Error::tokenizer(
            path,
            format!("model.unk_token: found {name:?}, which is not in model.vocab"),
        )),
        _ => Ok(()),
    }
}

/// How vocabulary entries become bytes, read off the decoder of the file.
#[derive(Debug, Default, PartialEq)]
struct Style {
    /// Entries are written in GPT-2's byte alphabet.
    byte_level: bool,
    /// This character stands for a space.
    space: Option<char>,
    /// `<0x0A>` stands for a byte.
    byte_fallback: bool,
    /// One space at the start of a text was added by encoding.
    leading_space: bool,
}

impl Style {
    fn of(json: &Value) -> Result<Self, String> {
        let mut style = Self::default();
        let decoder = &json["decoder"];
        match decoder["type"].as_str() {
            Some("Sequence") => {
                for step in decoder["decoders"].as_array().into_iter().flatten() {
                    style.add(step)?;
                }
            }
            Some(_) => style.add(decoder)?,
            None => return Err("decoder: found none, expected ByteLevel, Metaspace or a Sequence".to_owned()),
        }
        Ok(style)
    }

    fn add(&mut self, step: &Value) -> Result<(), String> {
        match step["type"].as_str().unwrap_or("none") {
            "ByteLevel" => self.byte_level = true,
            "ByteFallback" => self.byte_fallback = true,
            "Fuse" => {}
            "Metaspace" => {
                self.space = step["replacement"].as_str().and_then(|text| text.chars().next());
                self.leading_space = step["prepend_scheme"] != "never" && step["add_prefix_space"] != false;
            }
            "Replace" if step["content"] == " " => {
                self.space = step["pattern"]["String"].as_str().and_then(|text| text.chars().next());
            }
            "Strip" if step["content"] == " " && step["start"] == 1 && step["stop"] == 0 => {
                self.leading_space = true;
            }
            other => {
                return Err(format!(
                    "decoder: found {other} {step}, expected ByteLevel, ByteFallback, Fuse, Metaspace, \
                     Replace of the space character, or Strip of one leading space"
                ));
            }
        }
        Ok(())
    }

    /// The bytes of one vocabulary entry.
    fn bytes(&self, name: &str) -> Vec<u8> {
        if self.byte_level
            && let Some(bytes) = byte_alphabet::bytes(name)
        {
            return bytes;
        }
        if self.byte_fallback
            && let Some(byte) = byte_piece(name)
        {
            return vec![byte];
        }
        match self.space {
            Some(space) => name.replace(space, " ").into_bytes(),
            None => name.as_bytes().to_vec(),
        }
    }
}

/// The byte of a piece like `<0x0A>`.
pub(super) fn byte_piece(name: &str) -> Option<u8> {
    let digits = name.strip_prefix("<0x")?.strip_suffix('>')?;
    (digits.len() == 2).then(|| u8::from_str_radix(digits, 16).ok())?
}

/// The table of pieces and the added tokens by name.
fn pieces(engine: &Hf, style: &Style) -> (Pieces, BTreeMap<String, TokenId>) {
    let mut pieces = Pieces::new(style.leading_space);
    // By id, so that the table grows in order.
    let vocabulary: BTreeMap<u32, String> =
        engine.get_vocab(false).into_iter().map(|(name, id)| (id, name)).collect();
    for (id, name) in vocabulary {
        let bytes = style.bytes(&name);
        pieces.set(TokenId(id), Kind::Text, &name, bytes);
    }
    let mut added = BTreeMap::new();
    let tokens: BTreeMap<u32, tokenizers::AddedToken> =
        engine.get_added_tokens_decoder().into_iter().collect();
    for (id, token) in tokens {
        let kind = if token.special { Kind::Special } else { Kind::Text };
        pieces.set(TokenId(id), kind, &token.content, token.content.clone().into_bytes());
        added.insert(token.content, TokenId(id));
    }
    (pieces, added)
}
