//! From `tokenizer.json` to a [`Tokenizer`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;
use tokenizers::{Model as _, Tokenizer as Hf};

use super::added;
use super::engine::{General, JsonEngine};
use super::metaspace::respace;
use super::pipeline::Pipeline;
use super::style::Style;
use crate::tokenizer::Tokenizer;
use crate::tokenizer::matcher::Matcher;
use crate::tokenizer::pieces::{Kind, Pieces, is_mark};
use crate::tokenizer::settings::Settings;
use crate::tokenizer::source::{Repeated, Source};
use crate::tokenizer::tokenizer::{Engine, Inner};
use crate::{Error, Result, TokenId};

/// Builds a tokenizer from a `tokenizer.json` and its `tokenizer_config.json`.
pub(in crate::tokenizer) fn build(source: Source<'_>) -> Result<Tokenizer> {
    let mut json: Value = serde_json::from_slice(&source.bytes)
        .map_err(|error| Error::tokenizer(source.path, error.to_string()))?;
    let prefix = &source.config.prefix;
    let respaced = respace(&mut json, prefix)
        | prefix.byte_level_space().is_some_and(|space| prefix_space(&mut json["pre_tokenizer"], space));
    let engine = match make_marks_special(&mut json) {
        0 if !respaced => Hf::from_bytes(&source.bytes),
        _ => Hf::from_bytes(json.to_string()),
    };
    let mut engine = engine.map_err(|error| Error::tokenizer(source.path, error.to_string()))?;
    // Neither belongs to a text: lengths are the caller's business.
    engine.with_padding(None);
    engine.with_truncation(None).map_err(|error| Error::tokenizer(source.path, error.to_string()))?;
    engine.set_encode_special_tokens(true);
    check_unknown(&json, &engine, source.path)?;
    added::add(&mut engine, &source.config, source.path)?;
    let style = Style::of(&json).map_err(|message| Error::tokenizer(source.path, message))?;
    let ids = engine.get_vocab(true).into_values();
    Pieces::check_ids(ids).map_err(|message| Error::tokenizer(source.path, message))?;
    let (mut pieces, added) = pieces(&engine, &style);
    repeat(&mut pieces, source.repeated.into_iter().chain(repeated(&json)), &style);
    let lookup = |name: &str| engine.token_to_id(name).map(TokenId);
    let special = |name: &str| lookup(name).filter(|&id| pieces.kind(id) == Kind::Special);
    let first = first_token(&json["post_processor"]).filter(|name| source.config.may_be_bos(name));
    let guess = || Settings {
        bos: first.and_then(special).or_else(|| special("<s>")),
        eos: special("</s>"),
        pad: None,
        add_bos: first.is_some(),
    };
    let settings = source.config.settings(lookup, source.ids.settings.unwrap_or_else(guess))?;
    let roles = [("bos_token", settings.bos), ("eos_token", settings.eos), ("pad_token", settings.pad)];
    let others = source.ids.others.iter().map(|(key, id)| (*key, Some(*id)));
    let name = |id: Option<TokenId>| id.and_then(|id| pieces.name(id)).map(str::to_owned);
    let roles = roles.into_iter().chain(others).map(|(key, id)| (key, name(id)));
    let special_tokens = source.config.special_tokens(roles);
    let special: Vec<(String, TokenId)> = pieces.specials().map(|(id, name)| (name.to_owned(), id)).collect();
    let special = Matcher::new(&special);
    let templates = source.config.templates;
    let mut files = vec![("tokenizer.json".to_owned(), source.bytes)];
    files.extend(source.beside);
    let engine = match Pipeline::of(&json, &engine) {
        Some(pipeline) => JsonEngine::Direct(Box::new(pipeline)),
        None => JsonEngine::General(Box::new(General::new(engine))),
    };
    let engine = Engine::Json(Box::new(engine));
    Ok(Tokenizer::new(Inner { engine, pieces, added, special, settings, special_tokens, templates, files }))
}

/// Entries of a list of pieces, and added tokens, with the text of an earlier one: the crate's map from text to id has
/// no place for them.
fn repeated(json: &Value) -> Vec<Repeated> {
    let list = json["model"]["vocab"].as_array().into_iter().flatten().zip(0..);
    let entries = list.filter_map(|(entry, id)| {
        let text = entry[0].as_str()?.to_owned();
        Some(Repeated { id: TokenId(id), text, kind: Kind::Text, added: false })
    });
    let mut seen = BTreeSet::new();
    let tokens = json["added_tokens"].as_array().into_iter().flatten().filter_map(|token| {
        let text = token["content"].as_str()?;
        let id = TokenId(u32::try_from(token["id"].as_u64()?).ok()?);
        let kind = if token["special"] == true { Kind::Special } else { Kind::Text };
        let repeated = Repeated { id, text: text.to_owned(), kind, added: true };
        (!seen.insert(text)).then_some(repeated)
    });
    entries.chain(tokens).collect()
}

/// Gives ids that have no entry those that only repeat another one.
fn repeat(pieces: &mut Pieces, entries: impl Iterator<Item = Repeated>, style: &Style) {
    for Repeated { id, text, kind, added } in entries {
        if pieces.kind(id) == Kind::Missing && id.index() <= pieces.len() {
            let bytes = if added { text.clone().into_bytes() } else { style.bytes(&text) };
            pieces.set(id, kind, &text, bytes);
        }
    }
}

/// Makes the marks of the chat format special, see [`is_mark`], and returns how many were not.
fn make_marks_special(json: &mut Value) -> usize {
    let tokens = json.get_mut("added_tokens").and_then(Value::as_array_mut);
    let mut changed = 0;
    for token in tokens.into_iter().flatten().filter_map(Value::as_object_mut) {
        let mark = token.get("content").and_then(Value::as_str).is_some_and(is_mark);
        if mark && token.get("special") != Some(&Value::Bool(true)) {
            token.insert("special".to_owned(), Value::Bool(true));
            changed += 1;
        }
    }
    changed
}

/// The token that the file's post-processor puts in front of every text.
fn first_token(processor: &Value) -> Option<&str> {
    match processor["type"].as_str()? {
        "Sequence" => processor["processors"].as_array()?.iter().find_map(first_token),
        "TemplateProcessing" => processor["single"][0]["SpecialToken"]["id"].as_str(),
        _ => None,
    }
}

/// Makes the byte-level step of a pre-tokenizer put a space in front of text, or not. Whether that changed it.
fn prefix_space(step: &mut Value, space: bool) -> bool {
    if step["type"] == "ByteLevel" {
        let is_changed = step["add_prefix_space"] != space;
        step["add_prefix_space"] = Value::Bool(space);
        return is_changed;
    }
    let steps = step.get_mut("pretokenizers").and_then(Value::as_array_mut);
    steps.into_iter().flatten().fold(false, |is_changed, step| prefix_space(step, space) | is_changed)
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
    let mut by_name = BTreeMap::new();
    for (id, token) in added::decoder(engine) {
        let kind = if token.special { Kind::Special } else { Kind::Text };
        pieces.set(TokenId(id), kind, &token.content, token.content.clone().into_bytes());
        by_name.insert(token.content, TokenId(id));
    }
    (pieces, by_name)
}
