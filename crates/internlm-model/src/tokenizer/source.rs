//! [`Source`]: the files of one tokenizer, read and not yet understood.

use std::path::Path;

use super::pieces::Kind;
use super::settings::{Settings, TokenizerConfig};
use crate::TokenId;

/// What the loaders of `tokenizer.json` and SentencePiece models start from, whether it was read from files or put
/// together from the metadata of a GGUF file.
pub(super) struct Source<'a> {
    /// The vocabulary file, for messages.
    pub(super) path: &'a Path,
    pub(super) bytes: Vec<u8>,
    pub(super) config: TokenizerConfig,
    /// Other files that `save` writes into the folder of the vocabulary.
    pub(super) beside: Vec<(String, Vec<u8>)>,
    /// What the metadata of a GGUF file says by id.
    pub(super) ids: SpecialIds,
    /// Entries that a map from text to id has no place for.
    pub(super) repeated: Vec<Repeated>,
}

/// Special tokens that are known by id alone.
#[derive(Clone, Debug, Default)]
pub(super) struct SpecialIds {
    /// `None` for a vocabulary that does not say.
    pub(super) settings: Option<Settings>,
    /// Roles beside the first, the last and the padding token: key of `tokenizer_config.json`, id.
    pub(super) others: Vec<(&'static str, TokenId)>,
}

/// An entry with the text of another one.
#[derive(Clone, Debug)]
pub(super) struct Repeated {
    pub(super) id: TokenId,
    pub(super) text: String,
    pub(super) kind: Kind,
    /// Whether it is an added token, whose text stands for itself.
    pub(super) added: bool,
}
