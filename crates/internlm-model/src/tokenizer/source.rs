//! [`Source`]: the files of one tokenizer, read and not yet understood.

use std::path::Path;

use super::settings::TokenizerConfig;

/// What the loaders of `tokenizer.json` and SentencePiece models start from, whether it was read from files or put
/// together from the metadata of a GGUF file.
pub(super) struct Source<'a> {
    /// The vocabulary file, for messages.
    pub(super) path: &'a Path,
    pub(super) bytes: Vec<u8>,
    pub(super) config: TokenizerConfig,
    /// Other files that `save` writes into the folder of the vocabulary.
    pub(super) beside: Vec<(String, Vec<u8>)>,
}
