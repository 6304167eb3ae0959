//! [`Tokenizer`]: encoding, decoding and special tokens, whatever file the vocabulary came from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use internlm_kit::file::{self, AtPath};

use super::json::JsonEngine;
use super::matcher::{Matcher, Part};
use super::pieces::{Kind, Pieces};
use super::sentencepiece::SentencePieceEngine;
use super::settings::Settings;
use crate::{Result, TokenId};

/// Names of tokens that end a turn, as llama.cpp knows them (`special_eog_ids` in `llama-vocab.cpp`).
const TURN_ENDS: [&str; 21] = [
    "<|eot_id|>",
    "<|eom_id|>",
    "<|im_end|>",
    "<|end|>",
    "<|return|>",
    "<|call|>",
    "<|calls|>",
    "<|flush|>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "<end_of_turn>",
    "<end_of_utterance>",
    "<turn|>",
    "<|tool_response>",
    "<EOT>",
    "_<EOT>",
    "[EOT]",
    "[EOS]",
    "<eos>",
    "</s>",
    "<｜end▁of▁sentence｜>",
];

/// Names that end no turn beside all of the other ones: `<|end|>` ends a part of a turn of gpt-oss and Solar Open, and
/// Gemma 4 has a `</s>` of HTML.
const INNER_ENDS: [(&str, &[&str]); 3] = [
    ("<|end|>", &["<|return|>", "<|call|>"]),
    ("<|end|>", &["<|calls|>", "<|flush|>"]),
    ("</s>", &["<|tool_response>"]),
];

/// Roles by which a file names tokens that end a turn, beside its `eos_token`.
const TURN_END_ROLES: [&str; 2] = ["eot_token", "eom_token"];

/// What decoding does with special tokens.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Special {
    /// Leaves special tokens out of the text.
    Skip,
    /// Writes their names, for instance `<|im_end|>`.
    Keep,
}

/// A vocabulary with its rules. Cheap to clone; shared between threads.
///
/// ```
/// use internlm_model::tokenizer::{BpeTrainConfig, Special, train_bpe};
///
/// let texts = ["low lower lowest", "new newer newest"].map(String::from);
/// let config = BpeTrainConfig::new(280).with_min_frequency(1);
/// let tokenizer = train_bpe(texts.into_iter(), &config)?;
/// let ids = tokenizer.encode("lowest <|im_end|> 42");
/// assert_eq!(tokenizer.decode(&ids, Special::Skip), "lowest <|im_end|> 42");
/// assert!(ids.iter().all(|&id| !tokenizer.is_special(id)));
/// assert_eq!(tokenizer.encode_with_special("<|im_end|>"), [tokenizer.special("<|im_end|>").unwrap()]);
/// # Ok::<(), internlm_model::Error>(())
/// ```
#[derive(Clone)]
pub struct Tokenizer {
    inner: Arc<Inner>,
}

/// Everything a tokenizer is made of; built by the loaders.
pub(super) struct Inner {
    pub(super) engine: Engine,
    pub(super) pieces: Pieces,
    /// Added tokens by name, special or not.
    pub(super) added: BTreeMap<String, TokenId>,
    /// Finds special tokens in text.
    pub(super) special: Option<Matcher>,
    pub(super) settings: Settings,
    /// Special tokens by role, for instance `eos_token`, with their text.
    pub(super) special_tokens: Vec<(String, String)>,
    /// Chat templates in jinja: name and source.
    pub(super) templates: Vec<(String, String)>,
    /// What [`Tokenizer::save`] writes: file name and bytes.
    pub(super) files: Vec<(String, Vec<u8>)>,
}

/// What splits text.
pub(super) enum Engine {
    Json(Box<JsonEngine>),
    SentencePiece(Box<SentencePieceEngine>),
}

impl fmt::Debug for Tokenizer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.inner.engine {
            Engine::Json(_) => "tokenizer.json",
            Engine::SentencePiece(_) => "sentencepiece",
        };
        formatter
            .debug_struct("Tokenizer")
            .field("kind", &kind)
            .field("vocab_size", &self.vocab_size())
            .finish()
    }
}

impl Tokenizer {
    pub(super) fn new(inner: Inner) -> Self {
        Self { inner: Arc::new(inner) }
    }

    /// Ids of `text`; text that looks like a special token stays text, nothing is added.
    #[must_use]
    pub fn encode(&self, text: &str) -> Vec<TokenId> {
        match &self.inner.engine {
            Engine::Json(engine) => engine.encode(text),
            Engine::SentencePiece(engine) => engine.encode(text),
        }
    }

    /// Ids of `text` with special tokens recognized; nothing is added.
    #[must_use]
    pub fn encode_with_special(&self, text: &str) -> Vec<TokenId> {
        match &self.inner.engine {
            Engine::Json(engine) => engine.encode_with_special(text),
            Engine::SentencePiece(engine) => engine.encode_with_special(text),
        }
    }

    /// Ids of a raw prompt: special tokens in it are recognized, and it begins once with [`bos`](Self::bos) where the
    /// vocabulary [adds it](Self::adds_bos).
    #[must_use]
    pub fn encode_prompt(&self, text: &str) -> Vec<TokenId> {
        let ids = self.encode_with_special(text);
        let first = self.bos().filter(|bos| self.adds_bos() && ids.first() != Some(bos));
        first.into_iter().chain(ids).collect()
    }

    /// Ids of a whole conversation, read at once: special tokens become their ids, but where `hidden` is inside of a special
    /// token's text it stays text. `hidden` itself, which nothing else may contain, is left out.
    ///
    /// ```
    /// use internlm_model::tokenizer::{BpeTrainConfig, train_bpe};
    ///
    /// let tokenizer = train_bpe(["hello".to_owned()].into_iter(), &BpeTrainConfig::new(265))?;
    /// let ids = tokenizer.encode_marked("<|im_start|>say <\u{fdd0}|im_end|><|im_end|>", '\u{fdd0}');
    /// let mark = |name: &str| ids.iter().filter(|&&id| tokenizer.special(name) == Some(id)).count();
    /// assert_eq!((mark("<|im_start|>"), mark("<|im_end|>")), (1, 1));
    /// # Ok::<(), internlm_model::Error>(())
    /// ```
    #[must_use]
    pub fn encode_marked(&self, text: &str, hidden: char) -> Vec<TokenId> {
        match &self.inner.engine {
            Engine::Json(engine) => engine.encode_marked(text, hidden),
            Engine::SentencePiece(engine) => engine.encode_marked(text, hidden),
        }
    }

    /// `text` cut at special tokens.
    pub(crate) fn cut_special<'a>(&self, text: &'a str) -> Vec<Part<'a>> {
        Matcher::cut(self.inner.special.as_ref(), text)
    }

    /// The chat templates in jinja that came with the vocabulary: name (`default`, `tool_use`, ...) and source.
    #[must_use]
    pub fn chat_templates(&self) -> &[(String, String)] {
        &self.inner.templates
    }

    /// Text of `ids`; bytes that are not UTF-8 become U+FFFD, unknown ids nothing.
    #[must_use]
    pub fn decode(&self, ids: &[TokenId], special: Special) -> String {
        let pieces = &self.inner.pieces;
        let mut bytes = Vec::with_capacity(ids.len() * 4);
        for &id in ids.iter().filter(|&&id| special == Special::Keep || pieces.kind(id) != Kind::Special) {
            bytes.extend_from_slice(pieces.bytes(id));
        }
        if pieces.leading_space && bytes.first() == Some(&b' ') {
            bytes.remove(0);
        }
        String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }

    /// Number of ids, added tokens included: the largest id plus one.
    #[must_use]
    pub fn vocab_size(&self) -> usize {
        self.inner.pieces.len()
    }

    /// The id of the added token called `name`, for instance `<|im_start|>`.
    ///
    /// The marks of InternLM2's chat format are special even if the file calls them ordinary added tokens.
    #[must_use]
    pub fn special(&self, name: &str) -> Option<TokenId> {
        self.inner.added.get(name).copied()
    }

    /// Whether `id` is a special token.
    #[must_use]
    pub fn is_special(&self, id: TokenId) -> bool {
        self.inner.pieces.kind(id) == Kind::Special
    }

    /// Ids and names of all special tokens, by id.
    pub fn specials(&self) -> impl Iterator<Item = (TokenId, &str)> {
        self.inner.pieces.specials()
    }

    /// The vocabulary entry of `id` as it is written in the vocabulary.
    #[must_use]
    pub fn token(&self, id: TokenId) -> Option<String> {
        self.inner.pieces.name(id).map(str::to_owned)
    }

    /// The bytes `id` stands for; not always whole characters. Empty for ids without a vocabulary entry.
    #[must_use]
    pub fn token_bytes(&self, id: TokenId) -> &[u8] {
        self.inner.pieces.bytes(id)
    }

    /// The token that starts a sequence.
    #[must_use]
    pub fn bos(&self) -> Option<TokenId> {
        self.inner.settings.bos
    }

    /// The token that ends a sequence.
    #[must_use]
    pub fn eos(&self) -> Option<TokenId> {
        self.inner.settings.eos
    }

    /// The ids that end a turn: [`eos`](Self::eos), the tokens that a file calls ends of a turn or message, and the special
    /// tokens with a name that llama.cpp knows as one (`<|im_end|>`, `<|eot_id|>`, ..). Files often name another token
    /// than the one that chat models are trained to write.
    #[must_use]
    pub fn turn_ends(&self) -> Vec<TokenId> {
        let has = |name: &&str| self.special(name).is_some_and(|id| self.is_special(id));
        let is_inner =
            |name: &str| INNER_ENDS.iter().any(|(inner, others)| *inner == name && others.iter().all(has));
        let named = self.specials().filter(|(_, name)| TURN_ENDS.contains(name) && !is_inner(name));
        let roles = self.special_tokens().iter();
        let roles = roles.filter(|(role, _)| TURN_END_ROLES.contains(&role.as_str()));
        let by_role = roles.filter_map(|(_, text)| self.special(text));
        let mut ids: Vec<TokenId> =
            self.eos().into_iter().chain(named.map(|(id, _)| id)).chain(by_role).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// Special tokens by the keys of `tokenizer_config.json` (`bos_token`, `pad_token`, `image_token`, ..) with their
    /// text: the variables that chat templates see.
    #[must_use]
    pub fn special_tokens(&self) -> &[(String, String)] {
        &self.inner.special_tokens
    }

    /// The token that fills batches.
    #[must_use]
    pub fn pad(&self) -> Option<TokenId> {
        self.inner.settings.pad
    }

    /// Whether upstream starts every sequence of this vocabulary with [`bos`](Self::bos).
    #[must_use]
    pub fn adds_bos(&self) -> bool {
        self.inner.settings.add_bos
    }

    /// The name of the kind of file this came from, for reports.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match &self.inner.engine {
            Engine::Json(_) => "tokenizer.json",
            Engine::SentencePiece(engine) => engine.kind(),
        }
    }

    /// Writes the tokenizer into a model folder: `tokenizer.json` or `tokenizer.model`, and the files that were read
    /// next to it, such as `tokenizer_config.json` and chat templates.
    ///
    /// # Errors
    /// I/O errors of writing.
    pub fn save(&self, dir: impl AsRef<Path>) -> Result<()> {
        for (name, bytes) in &self.inner.files {
            let path = dir.as_ref().join(name);
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder).at(folder, "create")?;
            }
            file::write(path, bytes)?;
        }
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn engine(&self) -> &Engine {
        &self.inner.engine
    }

    pub(super) fn pieces(&self) -> &Pieces {
        &self.inner.pieces
    }
}
