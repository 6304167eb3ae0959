//! Text <-> ids: one type over `tokenizer.json`, SentencePiece models and GGUF vocabularies, and a trainer.

mod added;
mod beside;
mod bpe;
mod byte_alphabet;
mod config_keys;
mod gguf;
mod json;
mod load;
mod matcher;
mod pieces;
mod pre_tokenize;
mod sentencepiece;
mod settings;
mod source;
mod stream;
#[allow(clippy::module_inception, reason = "the file is named like its type")]
mod tokenizer;
mod train;

pub(crate) use gguf::Vocabulary as GgufVocabulary;
pub(crate) use matcher::Part;
pub use stream::StreamDecoder;
pub use tokenizer::{Special, Tokenizer};
pub use train::{BpeTrainConfig, train_bpe};
