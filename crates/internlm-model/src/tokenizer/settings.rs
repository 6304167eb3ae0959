//! `tokenizer_config.json`: which tokens start, end and fill a sequence, and the names of added tokens.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Error, Result, TokenId};

/// Name of the file in a model folder.
pub(super) const FILE: &str = "tokenizer_config.json";

/// The resolved special tokens of a vocabulary.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Settings {
    pub(super) bos: Option<TokenId>,
    pub(super) eos: Option<TokenId>,
    pub(super) pad: Option<TokenId>,
    pub(super) add_bos: bool,
}

/// The part of `tokenizer_config.json` we use.
#[derive(Debug, Default, Deserialize)]
pub(super) struct TokenizerConfig {
    bos_token: Option<Name>,
    eos_token: Option<Name>,
    pad_token: Option<Name>,
    add_bos_token: Option<bool>,
    #[serde(default)]
    pub(super) added_tokens_decoder: BTreeMap<String, AddedToken>,
    pub(super) chat_template: Option<Templates>,
}

/// One template, or several by name.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Templates {
    One(String),
    Named(Vec<NamedTemplate>),
}

/// One of several templates.
#[derive(Debug, Deserialize)]
pub(super) struct NamedTemplate {
    name: String,
    template: String,
}

/// A token by name, alone or inside an object.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Name {
    Text(String),
    Object { content: String },
}

/// One entry of `added_tokens_decoder`.
#[derive(Debug, Deserialize)]
pub(super) struct AddedToken {
    pub(super) content: String,
    #[serde(default)]
    pub(super) special: bool,
}

impl TokenizerConfig {
    /// Parses the file's bytes.
    pub(super) fn parse(bytes: &[u8], path: &Path) -> Result<Self> {
        serde_json::from_slice(bytes).map_err(|error| Error::tokenizer(path, error.to_string()))
    }

    /// The chat templates: name and source.
    pub(super) fn templates(&self) -> Vec<(String, String)> {
        match &self.chat_template {
            Some(Templates::One(template)) => vec![("default".to_owned(), template.clone())],
            Some(Templates::Named(all)) => {
                all.iter().map(|one| (one.name.clone(), one.template.clone())).collect()
            }
            None => Vec::new(),
        }
    }

    /// Looks the names up.
    pub(super) fn settings(&self, lookup: impl Fn(&str) -> Option<TokenId>, fallback: Settings) -> Settings {
        let find = |name: &Option<Name>, fallback: Option<TokenId>| match name {
            Some(Name::Text(content) | Name::Object { content }) => lookup(content).or(fallback),
            None => fallback,
        };
        Settings {
            bos: find(&self.bos_token, fallback.bos),
            eos: find(&self.eos_token, fallback.eos),
            pad: find(&self.pad_token, fallback.pad),
            add_bos: self.add_bos_token.unwrap_or(fallback.add_bos),
        }
    }

    /// The added tokens with their ids, by id. Keys that are not numbers are left out.
    pub(super) fn added(&self) -> Vec<(TokenId, &AddedToken)> {
        let mut added: Vec<_> = self
            .added_tokens_decoder
            .iter()
            .filter_map(|(id, token)| Some((TokenId(id.parse().ok()?), token)))
            .collect();
        added.sort_by_key(|(id, _)| *id);
        added
    }
}

/// A `tokenizer_config.json` for `specials`, InternLM2's chat tokens among them.
pub(super) fn written(settings: Settings, specials: &[(TokenId, &str)]) -> Value {
    let name = |id: Option<TokenId>| {
        let id = id?;
        specials.iter().find(|(other, _)| *other == id).map(|(_, name)| *name)
    };
    let decoder: serde_json::Map<String, Value> = specials
        .iter()
        .map(|(id, content)| {
            let token = json!({"content": content, "lstrip": false, "normalized": false, "rstrip": false,
                "single_word": false, "special": true});
            (id.to_string(), token)
        })
        .collect();
    json!({
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": name(settings.bos),
        "eos_token": name(settings.eos),
        "pad_token": name(settings.pad),
        "unk_token": specials.iter().find(|(_, name)| *name == "<unk>").map(|(_, name)| name),
        "add_bos_token": settings.add_bos,
        "clean_up_tokenization_spaces": false,
        "added_tokens_decoder": decoder,
    })
}
