//! [`Description`]: what a report says about the vocabulary and the chat template of a model.
//!
//! It is built on both the tokenizer and the chat format, and neither of the two knows about it.

use std::path::Path;

use serde::Serialize;

use crate::chat::marks::IM_START;
use crate::chat::{self, ChatTemplate};
use crate::tokenizer::GgufVocabulary;
use crate::weights::gguf::GgufFile;
use crate::{Result, TokenId, Tokenizer};

/// Kind, size and special tokens of a vocabulary, and the kind of its chat template.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Description {
    /// The kind of file or vocabulary: `tokenizer.json`, `sentencepiece bpe`, `gguf gpt2 smollm`.
    pub kind: String,
    /// Number of ids, the largest plus one.
    pub vocab_size: usize,
    /// The token that starts a sequence.
    pub bos: Option<TokenId>,
    /// The token that ends a sequence.
    pub eos: Option<TokenId>,
    /// Number of special tokens.
    pub specials: usize,
    /// `internlm2` or `jinja`; `None` for a model without a chat template.
    pub template: Option<&'static str>,
}

impl Description {
    /// Describes the tokenizer of a model folder or vocabulary file.
    ///
    /// # Errors
    /// As [`Tokenizer::load`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
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

    /// Describes the vocabulary inside a GGUF file without building an encoder, which takes seconds for a large one;
    /// its merges are not checked.
    ///
    /// # Errors
    /// Keys that are missing, unknown, or of another length than the vocabulary.
    pub fn of_gguf(file: &GgufFile) -> Result<Self> {
        let vocabulary = GgufVocabulary::read(file)?;
        Ok(Self {
            template: template(&vocabulary),
            kind: vocabulary.kind,
            vocab_size: vocabulary.size,
            bos: vocabulary.bos,
            eos: vocabulary.eos,
            specials: vocabulary.specials,
        })
    }
}

/// The kind that [`ChatTemplate::of`] would choose.
fn template(vocabulary: &GgufVocabulary) -> Option<&'static str> {
    let has = |name: &str| vocabulary.added.iter().any(|added| added == name);
    let chatml = vocabulary.jinja.as_ref().map(|text| text.contains(IM_START));
    chat::kind(has, chatml).map(chat::Kind::name)
}
