//! The files beside a vocabulary: `tokenizer_config.json`, `special_tokens_map.json`, `added_tokens.json`, chat
//! templates, and the `tokenizer.json` beside a SentencePiece model.
//!
//! Which file wins is as in `_from_pretrained` of transformers 5.24: `added_tokens_decoder` of the config before the
//! older files, template files before the config.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use internlm_kit::file;
use internlm_kit::json::reason;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::config_keys;
use super::settings::{AddedToken, FILE as CONFIG, Named, TokenizerConfig};
use crate::{Error, Result, TokenId};

/// Special tokens by role, in a file of their own.
const SPECIAL_TOKENS: &str = "special_tokens_map.json";
/// Added tokens: a map from text to id.
const ADDED_TOKENS: &str = "added_tokens.json";
/// A template in a file of its own, as newer transformers write it.
const TEMPLATE: &str = "chat_template.jinja";
/// The same as JSON, as processors of older ones write it.
const TEMPLATE_JSON: &str = "chat_template.json";
/// The folder of templates with other names than `default`.
const TEMPLATES: &str = "additional_chat_templates";

/// The roles that every transformers tokenizer has.
const ROLES: [&str; 7] =
    ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];

/// The files beside a vocabulary, understood and as they are.
#[derive(Debug, Default)]
pub(super) struct Beside {
    pub(super) config: TokenizerConfig,
    /// Name and bytes of every file that was read, for `save`.
    pub(super) files: Vec<(String, Vec<u8>)>,
}

/// A token by name, alone or inside an object.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Name {
    Text(String),
    Token(AddedToken),
}

/// One template, or several by name.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Templates {
    One(String),
    Named(Vec<NamedTemplate>),
}

/// One of several templates.
#[derive(Debug, Deserialize)]
struct NamedTemplate {
    name: String,
    template: String,
}

/// An added token of `tokenizer.json`.
#[derive(Debug, Deserialize)]
struct NumberedToken {
    id: u32,
    #[serde(flatten)]
    token: AddedToken,
}

/// The part of `tokenizer.json` that matters beside a SentencePiece model.
#[derive(Debug, Deserialize)]
struct AddedOfJson {
    #[serde(default)]
    added_tokens: Vec<NumberedToken>,
}

impl Beside {
    /// Reads what is in the folder of `vocabulary`.
    pub(super) fn read(vocabulary: &Path) -> Result<Self> {
        let mut beside = Self::default();
        if let Some((path, bytes)) = beside.file(vocabulary, CONFIG)? {
            beside.config = config(&bytes, &path)?;
        }
        let numbered = !beside.config.added.is_empty();
        if let Some((path, bytes)) = beside.file(vocabulary, SPECIAL_TOKENS)? {
            beside.special_tokens(&bytes, &path)?;
        }
        if let Some((path, bytes)) = beside.file(vocabulary, ADDED_TOKENS)?
            && !numbered
        {
            beside.added_tokens(&bytes, &path)?;
        }
        beside.templates(vocabulary)?;
        let model = vocabulary.with_file_name("config.json");
        if model.is_file() {
            // What else is wrong with this file is said by those who need it.
            let keys: Value = serde_json::from_slice(&file::read(&model)?).unwrap_or_default();
            beside.config.prefix.model_type = keys["model_type"].as_str().map(str::to_owned);
        }
        Ok(beside)
    }

    /// The added tokens of the `tokenizer.json` at `path`, where no other file says something about their ids.
    pub(super) fn read_json(&mut self, path: &Path) -> Result<()> {
        let bytes = file::read(path)?;
        let json: AddedOfJson = parse(&bytes, path)?;
        for NumberedToken { id, token } in json.added_tokens {
            self.config.added.entry(TokenId(id)).or_insert(token);
        }
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        self.files.extend(name.map(|name| (name, bytes)));
        Ok(())
    }

    /// Reads one file and keeps it for `save`.
    fn file(&mut self, vocabulary: &Path, name: &str) -> Result<Option<(PathBuf, Vec<u8>)>> {
        let path = vocabulary.with_file_name(name);
        if !path.is_file() {
            return Ok(None);
        }
        let bytes = file::read(&path)?;
        self.files.push((name.to_owned(), bytes.clone()));
        Ok(Some((path, bytes)))
    }

    /// Roles of this file go before those of the config, unless the config has its tokens by id: then it is the newer
    /// file.
    fn special_tokens(&mut self, bytes: &[u8], path: &Path) -> Result<()> {
        let numbered = !self.config.added.is_empty();
        let keys: Map<String, Value> = parse(bytes, path)?;
        let config = &mut self.config;
        for role in named(&keys, path)? {
            match config.named.iter_mut().find(|known| known.key == role.key) {
                Some(_) if numbered => {}
                Some(known) => *known = role,
                None => config.named.push(role),
            }
        }
        let extra = extra(&keys, path)?;
        config.extra.extend(extra.into_iter().filter(|_| !numbered));
        Ok(())
    }

    fn added_tokens(&mut self, bytes: &[u8], path: &Path) -> Result<()> {
        let ids: BTreeMap<String, u32> = parse(bytes, path)?;
        let specials: Vec<String> = self.config.specials().map(|token| token.content).collect();
        for (content, id) in ids {
            let token = AddedToken::plain(content.as_str(), specials.contains(&content));
            if let Some(other) = self.config.added.insert(TokenId(id), token) {
                let other = other.content;
                let message = format!("id {id}: found both `{other}` and `{content}`, expected one");
                return Err(Error::tokenizer(path, message));
            }
        }
        Ok(())
    }

    /// Template files replace the templates of the config.
    fn templates(&mut self, vocabulary: &Path) -> Result<()> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut found = Vec::new();
        if let Some((_, bytes)) = self.file(vocabulary, TEMPLATE)? {
            found.push(("default".to_owned(), text(&bytes)));
        }
        for name in template_names(&vocabulary.with_file_name(TEMPLATES)) {
            if let Some((_, bytes)) = self.file(vocabulary, &format!("{TEMPLATES}/{name}"))? {
                found.push((name.trim_end_matches(".jinja").to_owned(), text(&bytes)));
            }
        }
        if !found.is_empty() {
            self.config.templates = found;
        }
        if self.config.templates.is_empty()
            && let Some((path, bytes)) = self.file(vocabulary, TEMPLATE_JSON)?
        {
            let keys: Map<String, Value> = parse(&bytes, &path)?;
            self.config.templates = templates(&keys, &path)?;
        }
        Ok(())
    }
}

/// Names of the `.jinja` files in a folder, sorted; nothing when there is no folder.
fn template_names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".jinja")).collect();
    names.sort();
    names
}

/// Parses `tokenizer_config.json`.
pub(super) fn config(bytes: &[u8], path: &Path) -> Result<TokenizerConfig> {
    let keys: Map<String, Value> = parse(bytes, path)?;
    config_keys::check(&keys, path)?;
    let mut config = TokenizerConfig {
        named: named(&keys, path)?,
        extra: extra(&keys, path)?,
        add_bos: key(&keys, "add_bos_token", path)?,
        templates: templates(&keys, path)?,
        ..TokenizerConfig::default()
    };
    config.prefix.class = key(&keys, "tokenizer_class", path)?;
    config.prefix.legacy = key(&keys, "legacy", path)?;
    config.prefix.add_prefix_space = key(&keys, "add_prefix_space", path)?;
    let added: Option<BTreeMap<String, AddedToken>> = key(&keys, "added_tokens_decoder", path)?;
    for (id, token) in added.into_iter().flatten() {
        let number = id.parse().map_err(|_| {
            Error::tokenizer(path, format!("added_tokens_decoder: found the key `{id}`, expected an id"))
        })?;
        config.added.insert(TokenId(number), token);
    }
    Ok(config)
}

/// The special tokens by role: the keys that end in `_token` and name one, and maps of roles.
fn named(keys: &Map<String, Value>, path: &Path) -> Result<Vec<Named>> {
    let maps = ["extra_special_tokens", "model_specific_special_tokens"];
    let maps = maps.into_iter().filter_map(|key| keys.get(key)?.as_object()).flatten();
    // Other keys with this ending are counts and switches.
    let names = |value: &Value| value.is_string() || value.is_object() || value.is_null();
    let roles = keys
        .iter()
        .filter(|&(key, value)| ROLES.contains(&key.as_str()) || (key.ends_with("_token") && names(value)));
    let named = roles.chain(maps).map(|(role, value)| {
        let token: Option<Name> = from_value(value.clone(), role, path)?;
        let token = token.map(|name| match name {
            Name::Text(text) => AddedToken::plain(text, true),
            Name::Token(token) => token,
        });
        Ok(Named { key: role.clone(), token, path: path.to_path_buf() })
    });
    named.collect()
}

/// The special tokens without a role.
fn extra(keys: &Map<String, Value>, path: &Path) -> Result<Vec<String>> {
    let mut extra = Vec::new();
    for name in ["additional_special_tokens", "extra_special_tokens"] {
        let Some(list) = keys.get(name).filter(|value| value.is_array()) else { continue };
        let list: Vec<Name> = from_value(list.clone(), name, path)?;
        extra.extend(list.into_iter().map(|name| match name {
            Name::Text(text) => text,
            Name::Token(token) => token.content,
        }));
    }
    Ok(extra)
}

fn templates(keys: &Map<String, Value>, path: &Path) -> Result<Vec<(String, String)>> {
    Ok(match key(keys, "chat_template", path)? {
        Some(Templates::One(template)) => vec![("default".to_owned(), template)],
        Some(Templates::Named(all)) => all.into_iter().map(|one| (one.name, one.template)).collect(),
        None => Vec::new(),
    })
}

/// The value of one key; `None` when it is null or not there.
fn key<T: DeserializeOwned>(keys: &Map<String, Value>, name: &str, path: &Path) -> Result<Option<T>> {
    match keys.get(name) {
        Some(value) => from_value(value.clone(), name, path),
        None => Ok(None),
    }
}

fn from_value<T: DeserializeOwned>(value: Value, key: &str, path: &Path) -> Result<T> {
    serde_json::from_value(value)
        .map_err(|error| Error::tokenizer(path, format!("{key}: {}", reason(&error))))
}

fn parse<T: DeserializeOwned>(bytes: &[u8], path: &Path) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|error| Error::tokenizer(path, reason(&error)))
}

#[cfg(test)]
mod tests;
