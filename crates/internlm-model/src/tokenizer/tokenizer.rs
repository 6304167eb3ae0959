//! [`Tokenizer`]: encoding, decoding and special tokens, whatever file the vocabulary came from.

use std::path::Path;

use super::StreamDecoder;
use crate::{Error, Result, TokenId};

/// What decoding does with special tokens.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Special {
    /// Leaves them out.
    Skip,
    /// Writes their names, for instance `<|im_end|>`.
    Keep,
}

/// A vocabulary with its rules. Cheap to clone; shared between threads.
#[derive(Clone, Debug)]
pub struct Tokenizer {}

impl Tokenizer {
    /// Loads a model folder, a `tokenizer.json`, a SentencePiece `.model` or a `.gguf`.
    ///
    /// # Errors
    /// The file is missing, malformed or of a kind that is not implemented.
    pub fn load(path: &Path) -> Result<Self> {
        Err(Error::tokenizer(path, "not yet"))
    }

    /// Ids of `text`; text that looks like a special token stays text, nothing is added.
    #[must_use]
    pub fn encode(&self, _text: &str) -> Vec<TokenId> {
        Vec::new()
    }

    /// Ids of `text` with special tokens recognized; nothing is added.
    #[must_use]
    pub fn encode_with_special(&self, _text: &str) -> Vec<TokenId> {
        Vec::new()
    }

    /// Text of `ids`; bytes that are not UTF-8 become U+FFFD, unknown ids nothing.
    #[must_use]
    pub fn decode(&self, _ids: &[TokenId], _special: Special) -> String {
        String::new()
    }

    /// A decoder that takes one id at a time and never emits half a character.
    #[must_use]
    pub fn stream_decoder(&self, special: Special) -> StreamDecoder {
        StreamDecoder::new(self.clone(), special)
    }

    /// Number of ids, added tokens included.
    #[must_use]
    pub fn vocab_size(&self) -> usize {
        0
    }

    /// The id of the special token called `name`, for instance `<|im_start|>`.
    #[must_use]
    pub fn special(&self, _name: &str) -> Option<TokenId> {
        None
    }

    /// Whether `id` is a special token.
    #[must_use]
    pub fn is_special(&self, _id: TokenId) -> bool {
        false
    }

    /// The vocabulary entry of `id` as it is written in the vocabulary.
    #[must_use]
    pub fn token(&self, _id: TokenId) -> Option<String> {
        None
    }

    /// The token that starts a sequence.
    #[must_use]
    pub fn bos(&self) -> Option<TokenId> {
        None
    }

    /// The token that ends a sequence.
    #[must_use]
    pub fn eos(&self) -> Option<TokenId> {
        None
    }

    /// Writes the tokenizer into a model folder: `tokenizer.json` and `tokenizer_config.json`, and
    /// `tokenizer.model` as it was read.
    ///
    /// # Errors
    /// I/O errors of writing.
    pub fn save(&self, _dir: &Path) -> Result<()> {
        Ok(())
    }
}
