//! The added tokens of a `tokenizer.json` and of the files next to it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use tokenizers::{AddedToken as HfToken, Tokenizer as Hf};

use crate::tokenizer::added::Added;
use crate::tokenizer::matcher::Edges;
use crate::tokenizer::settings::{self, AddedToken, TokenizerConfig};
use crate::{Error, Result, TokenId};

/// What is looked for in the text as it is, and what in normalized text. `normalize` is the normalizer of the file.
pub(super) fn added(engine: &Hf, normalize: impl Fn(&str) -> String) -> [Vec<Added>; 2] {
    let (mut raw, mut normalized) = (Vec::new(), Vec::new());
    for token in decoder(engine).into_values() {
        // As the crate numbers it; the id in the file may differ.
        let Some(id) = engine.token_to_id(&token.content) else { continue };
        let (id, special) = (TokenId(id), token.special);
        let edges = Edges { single_word: token.single_word, lstrip: token.lstrip, rstrip: token.rstrip };
        match token.normalized {
            true => normalized.push(Added { text: normalize(&token.content), id, special, edges }),
            false => raw.push(Added { text: token.content, id, special, edges }),
        }
    }
    [raw, normalized].map(|mut tokens: Vec<Added>| {
        tokens.retain(|token| !token.text.is_empty());
        tokens
    })
}

/// The added tokens by id.
pub(super) fn decoder(engine: &Hf) -> BTreeMap<u32, HfToken> {
    engine.get_added_tokens_decoder().into_iter().collect()
}

/// Adds the tokens of the files beside `tokenizer.json` that it does not have, and their flags.
///
/// # Errors
/// An id that is not the next free one: the vocabulary is a list without gaps.
pub(super) fn add(engine: &mut Hf, config: &TokenizerConfig, path: &Path) -> Result<()> {
    let known = decoder(engine);
    let specials: BTreeMap<String, AddedToken> =
        config.specials().map(|token| (token.content.clone(), token)).collect();
    let mut tokens = Vec::new();
    for (id, token) in &config.added {
        let there = engine.token_to_id(&token.content);
        let old = there.and_then(|there| known.get(&there));
        let mut token = hf(token, old);
        token.special |= specials.contains_key(&token.content);
        if old != Some(&token) {
            tokens.push((there.is_none().then_some(*id), token));
        }
    }
    let listed: BTreeSet<&str> = config.added.values().map(|token| token.content.as_str()).collect();
    for token in specials.values().filter(|token| !listed.contains(token.content.as_str())) {
        // One without an id is numbered below, or not there.
        let Some(there) = engine.token_to_id(&token.content) else { continue };
        match known.get(&there) {
            Some(old) if old.special => {}
            Some(old) => tokens.push((None, HfToken { special: true, ..old.clone() })),
            None => tokens.push((None, hf(token, None))),
        }
    }
    let unnumbered = unnumbered(engine, config);
    tokens.extend(unnumbered.iter().map(|token| (None, token.clone())));
    if tokens.is_empty() {
        return Ok(());
    }
    engine.add_tokens(&tokens.iter().map(|(_, token)| token.clone()).collect::<Vec<HfToken>>());
    for token in &unnumbered {
        if let Some(id) = engine.token_to_id(&token.content) {
            settings::warn_of_number(path, &token.content, TokenId(id));
        }
    }
    for (id, token) in tokens.iter().filter_map(|(id, token)| Some((id.as_ref()?, token))) {
        let free = engine.token_to_id(&token.content);
        if free != Some(id.0) {
            let (name, free) = (&token.content, free.unwrap_or_default());
            let message = format!("added token `{name}`: found id {id}, expected {free}, the next free one");
            return Err(Error::tokenizer(path, message));
        }
    }
    Ok(())
}

/// The special tokens without a role that no file has an id for: the crate gives them the next free ones, as transformers
/// does.
fn unnumbered(engine: &Hf, config: &TokenizerConfig) -> Vec<HfToken> {
    let is_listed = |name: &str| config.added.values().any(|token| token.content == name);
    let names = config.extra.iter().map(String::as_str);
    let names =
        names.filter(|name| !name.is_empty() && !is_listed(name) && engine.token_to_id(name).is_none());
    names.map(|name| hf(&AddedToken::plain(name, true), None)).collect()
}

/// The token for the crate. One that is special already stays where it is looked for, as in the crate.
fn hf(token: &AddedToken, known: Option<&HfToken>) -> HfToken {
    let special = token.is_special();
    let normalized = match known {
        Some(known) if known.special => known.normalized,
        _ => token.normalized.unwrap_or(!special),
    };
    HfToken {
        content: token.content.clone(),
        single_word: token.single_word,
        lstrip: token.lstrip,
        rstrip: token.rstrip,
        normalized,
        special,
    }
}
