//! [`TokenizerConfig`]: what the files beside a vocabulary say about it, and [`Settings`], what comes of that.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Value, json};

use super::added::Added;
use super::matcher::Edges;
use super::pieces::is_mark;
use crate::{Error, Result, TokenId};

/// The resolved special tokens of a vocabulary.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Settings {
    pub(super) bos: Option<TokenId>,
    pub(super) eos: Option<TokenId>,
    pub(super) pad: Option<TokenId>,
    pub(super) add_bos: bool,
}

/// Everything beside a vocabulary that changes ids, special tokens or prompts, whatever file it came from.
#[derive(Clone, Debug, Default)]
pub(super) struct TokenizerConfig {
    /// Special tokens by role.
    pub(super) named: Vec<Named>,
    /// Special tokens without a role, by name.
    pub(super) extra: Vec<String>,
    /// Added tokens by id.
    pub(super) added: BTreeMap<TokenId, AddedToken>,
    pub(super) add_bos: Option<bool>,
    pub(super) prefix: PrefixSettings,
    /// Chat templates in jinja: name and source.
    pub(super) templates: Vec<(String, String)>,
}

/// What decides where a vocabulary puts a space in front of text.
#[derive(Clone, Debug, Default)]
pub(super) struct PrefixSettings {
    /// `tokenizer_class` of `tokenizer_config.json`.
    pub(super) class: Option<String>,
    /// `model_type` of `config.json`.
    pub(super) model_type: Option<String>,
    /// `legacy`: every text behind a special token gets a space.
    pub(super) legacy: Option<bool>,
    /// `add_prefix_space`: whether any text gets one; GPT-2's class has this switch too.
    pub(super) add_prefix_space: Option<bool>,
}

/// The model types for which transformers takes no class from the config (`tokenization_auto.py`).
const WITHOUT_CLASS: [&str; 7] =
    ["internlm2", "internlm3", "minicpm3", "mistral", "mixtral", "phi3", "stablelm"];

/// The classes of byte-level vocabularies that put a space in front of text when `add_prefix_space` says so.
const BYTE_LEVEL: [&str; 4] = ["GPT2Tokenizer", "GPT2TokenizerFast", "Qwen2Tokenizer", "Qwen2TokenizerFast"];

impl PrefixSettings {
    /// What a byte-level class is told about the space in front of text.
    pub(super) fn byte_level_space(&self) -> Option<bool> {
        self.add_prefix_space.filter(|_| BYTE_LEVEL.contains(&self.class.as_deref().unwrap_or_default()))
    }

    /// Whether the class is `LlamaTokenizer`; a config that names none has another one.
    pub(super) fn is_llama(&self) -> bool {
        let class = self.class.as_deref().unwrap_or_default();
        let without_class = self.model_type.as_deref().is_some_and(|name| WITHOUT_CLASS.contains(&name));
        ["LlamaTokenizer", "LlamaTokenizerFast"].contains(&class) && !without_class
    }
}

/// A special token by its role in a file, for instance `eos_token`.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) key: String,
    /// `None`: the file says that there is no such token.
    pub(super) token: Option<AddedToken>,
    /// The file that says so, for messages.
    pub(super) path: PathBuf,
}

/// An added token as `added_tokens_decoder` and `tokenizer.json` write it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
pub(super) struct AddedToken {
    pub(super) content: String,
    #[serde(default)]
    pub(super) single_word: bool,
    #[serde(default)]
    pub(super) lstrip: bool,
    #[serde(default)]
    pub(super) rstrip: bool,
    /// Whether it is looked for in normalized text; unless it is special, by default.
    #[serde(default)]
    pub(super) normalized: Option<bool>,
    #[serde(default)]
    pub(super) special: bool,
}

impl AddedToken {
    /// A token that is found wherever its text is.
    pub(super) fn plain(content: impl Into<String>, special: bool) -> Self {
        let content = content.into();
        Self { content, single_word: false, lstrip: false, rstrip: false, normalized: None, special }
    }

    pub(super) fn edges(&self) -> Edges {
        Edges { single_word: self.single_word, lstrip: self.lstrip, rstrip: self.rstrip }
    }

    /// Whether it is special; the marks of the chat format always are, see [`is_mark`].
    pub(super) fn is_special(&self) -> bool {
        self.special || is_mark(&self.content)
    }

    pub(super) fn is_normalized(&self) -> bool {
        self.normalized.unwrap_or(!self.special)
    }

    /// What is looked for to find the token `id`.
    pub(super) fn as_added(&self, id: TokenId) -> Added {
        Added { text: self.content.clone(), id, special: self.is_special(), edges: self.edges() }
    }
}

impl TokenizerConfig {
    /// The token under a key, when a file names one.
    pub(super) fn named(&self, key: &str) -> Option<&Named> {
        self.named.iter().find(|named| named.key == key)
    }

    /// Whether no file names another first token than `name`.
    pub(super) fn may_be_bos(&self, name: &str) -> bool {
        let token = |named: &Named| named.token.as_ref().is_some_and(|token| token.content == name);
        self.named("bos_token").is_none_or(token)
    }

    /// All tokens that a file calls special by a role or in a list.
    pub(super) fn specials(&self) -> impl Iterator<Item = AddedToken> {
        let named = self.named.iter().filter_map(|named| named.token.clone());
        let extra = self.extra.iter().map(|name| AddedToken::plain(name, true));
        named.chain(extra).map(|token| AddedToken { special: true, ..token })
    }

    /// Looks the names up; what no file names is as in `fallback`.
    ///
    /// # Errors
    /// A first or last token that the vocabulary does not have: prompts would begin, or answers end, with another one.
    pub(super) fn settings(
        &self,
        lookup: impl Fn(&str) -> Option<TokenId>,
        fallback: Settings,
    ) -> Result<Settings> {
        let find = |key: &str, fallback: Option<TokenId>| match self.named(key) {
            Some(Named { token: Some(token), path, .. }) => {
                lookup(&token.content).map(Some).ok_or_else(|| {
                    let found = &token.content;
                    Error::tokenizer(
                        path,
                        format!("{key}: found `{found}`, expected a token of the vocabulary"),
                    )
                })
            }
            Some(Named { token: None, .. }) => Ok(None),
            None => Ok(fallback),
        };
        let pad = find("pad_token", fallback.pad).unwrap_or_else(|error| {
            // Padding never reaches a model's answer.
            tracing::warn!("{error}; nothing is used for it");
            None
        });
        Ok(Settings {
            bos: find("bos_token", fallback.bos)?,
            eos: find("eos_token", fallback.eos)?,
            pad,
            add_bos: self.add_bos.unwrap_or(fallback.add_bos),
        })
    }

    /// Special tokens by role, as chat templates see them; `others` for roles that no file names.
    pub(super) fn special_tokens<'a>(
        &self,
        others: impl Iterator<Item = (&'a str, Option<String>)>,
    ) -> Vec<(String, String)> {
        let named = self.named.iter().filter_map(|named| {
            let token = named.token.as_ref()?;
            Some((named.key.clone(), token.content.clone()))
        });
        let others = others.filter(|(key, _)| self.named(key).is_none());
        named.chain(others.filter_map(|(key, name)| Some((key.to_owned(), name?)))).collect()
    }
}

/// Says that a special token got the next free id, because no file gives it one.
pub(super) fn warn_of_number(path: &Path, name: &str, id: TokenId) {
    let path = path.display();
    tracing::warn!(
        "{path}: special token `{name}`: no file gives its id, the next free one, {id}, is assumed"
    );
}

/// Name of the file in a model folder.
pub(super) const FILE: &str = "tokenizer_config.json";

/// A `tokenizer_config.json` for `specials`, InternLM2's chat tokens among them. What is not known is left out: null
/// would say that there is no such token.
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
    let mut written = json!({
        "tokenizer_class": "PreTrainedTokenizerFast",
        "add_bos_token": settings.add_bos,
        "clean_up_tokenization_spaces": false,
        "added_tokens_decoder": decoder,
    });
    let unknown = specials.iter().find(|(_, name)| *name == "<unk>").map(|(_, name)| *name);
    let named = [
        ("bos_token", name(settings.bos)),
        ("eos_token", name(settings.eos)),
        ("pad_token", name(settings.pad)),
        ("unk_token", unknown),
    ];
    for (key, name) in named.into_iter().filter_map(|(key, name)| Some((key, name?))) {
        written[key] = json!(name);
    }
    written
}
