//! The vital data of a vocabulary, for reports. Of a GGUF file they are read without building an encoder.

use std::path::Path;

use serde::Serialize;

use super::{Tokenizer, gguf};
use crate::chat::ChatTemplate;
use crate::weights::gguf::GgufFile;
use crate::{Result, TokenId};

/// What a report says about a tokenizer.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Description {
    /// The kind of file or vocabulary: `tokenizer.json`, `sentencepiece bpe`, `gguf gpt2 smollm`.
    pub kind: String,
    /// Number of ids.
    pub vocab_size: usize,
    /// The token that starts a sequence.
    pub bos: Option<TokenId>,
    /// The token that ends a sequence.
    pub eos: Option<TokenId>,
    /// Number of special tokens.
    pub specials: usize,
    /// `internlm2` or `jinja`, when there is a chat template.
    pub template: Option<&'static str>,
}

impl Description {
    /// Describes the tokenizer of a model folder or vocabulary file.
    ///
    /// # Errors
    /// As [`Tokenizer::load`].
    pub fn load(path: &Path) -> Result<Self> {
        let tokenizer = Tokenizer::load(path)?;
        Ok(Self {
            kind: tokenizer.kind().to_owned(),
            vocab_size: tokenizer.vocab_size(),
            bos: tokenizer.bos(),
            eos: tokenizer.eos(),
            specials: tokenizer.specials().count(),
            template: ChatTemplate::of(&tokenizer).ok().map(|template| template.kind()),
        })
    }

    /// Describes the vocabulary inside a GGUF file; its merges are not checked.
    ///
    /// # Errors
    /// Keys that are missing, of another length than the vocabulary, or unknown.
    pub fn of_gguf(file: &GgufFile) -> Result<Self> {
        gguf::describe(file)
    }
}
