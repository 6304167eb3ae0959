//! Encoding as SentencePiece does: normalize, cut out user-defined pieces, then BPE or unigram; and around it the added
//! tokens of transformers.
//!
//! Checked against sentencepiece 0.2.3; prompts with special tokens against transformers 5.24.

use super::charsmap::CharsMap;
use super::unigram::Unigram;
use crate::TokenId;
use crate::tokenizer::added::{AddedTokens, Reading};
use crate::tokenizer::bpe::{Bpe, Encoder};
use crate::tokenizer::matcher::Part;

/// SentencePiece's stand-in for a space.
pub(super) const SPACE: &str = "\u{2581}";

/// A SentencePiece model ready to encode.
pub(in crate::tokenizer) struct SentencePieceEngine {
    pub(super) segmenter: Segmenter,
    pub(super) charsmap: Option<CharsMap>,
    pub(super) add_dummy_prefix: bool,
    pub(super) remove_extra_whitespaces: bool,
    /// What is cut out of the normalized text.
    pub(super) user_defined: AddedTokens,
    /// Tokens that are cut out of the text as it is: those that must not be normalized, then the rest.
    pub(super) added: [AddedTokens; 2],
    pub(super) prefix: Prefix,
}

/// Which of the texts between added tokens get the dummy prefix, when the model has one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::tokenizer) enum Prefix {
    /// Each one, as if it were alone: sentencepiece and llama.cpp.
    Each,
    /// Each one that does not begin with a space: `always` of `Metaspace`.
    EachWithout,
    /// The one at the start of the whole text, if it does not begin with a space: `first` of `Metaspace`.
    First,
}

/// What splits normalized text into pieces.
pub(super) enum Segmenter {
    Unigram(Unigram),
    Bpe(Box<Bpe>),
}

impl SentencePieceEngine {
    pub(in crate::tokenizer) fn kind(&self) -> &'static str {
        match self.segmenter {
            Segmenter::Unigram(_) => "sentencepiece unigram",
            Segmenter::Bpe(_) => "sentencepiece bpe",
        }
    }

    pub(in crate::tokenizer) fn encode(&self, text: &str) -> Vec<TokenId> {
        self.read(text, Reading::Plain)
    }

    pub(in crate::tokenizer) fn encode_with_special(&self, text: &str) -> Vec<TokenId> {
        self.read(text, Reading::Special)
    }

    pub(in crate::tokenizer) fn encode_marked(&self, text: &str, hidden: char) -> Vec<TokenId> {
        self.read(text, Reading::Marked(hidden))
    }

    fn read(&self, text: &str, reading: Reading) -> Vec<TokenId> {
        let mut ids = Vec::with_capacity(text.len() / 3);
        match &self.segmenter {
            Segmenter::Unigram(unigram) => {
                self.texts(text, reading, &mut ids, |text, ids| unigram.encode(text, ids));
            }
            Segmenter::Bpe(bpe) => bpe.with_encoder(|encoder: &mut Encoder<'_>| {
                self.texts(text, reading, &mut ids, |text, ids| encoder.text(text, ids));
            }),
        }
        ids
    }

    /// Added tokens, and what `segment` makes of the normalized text between them.
    fn texts(
        &self,
        text: &str,
        reading: Reading,
        ids: &mut Vec<TokenId>,
        mut segment: impl FnMut(&str, &mut Vec<TokenId>),
    ) {
        let [raw, normalized] = &self.added;
        let parts = raw.cut(text, reading).into_iter().flat_map(|part| match part {
            Part::Id(_) => vec![part],
            Part::Text(text) => normalized.cut(text, reading),
        });
        for (place, part) in parts.enumerate() {
            let part = match part {
                Part::Id(id) => {
                    ids.push(id);
                    continue;
                }
                Part::Text(part) => part,
            };
            // A whole text that is read plainly is sentencepiece's alone.
            let prefix = match reading {
                Reading::Plain if part.len() == text.len() => Prefix::Each,
                _ => self.prefix,
            };
            let text = self.normalize(part, prefix, place);
            for part in self.user_defined.cut(&text, reading) {
                match part {
                    Part::Id(id) => ids.push(id),
                    Part::Text(text) => segment(&reading.shown(text), ids),
                }
            }
        }
    }

    /// Character map, spaces, dummy prefix; `place` counts the parts of the whole text.
    fn normalize(&self, text: &str, prefix: Prefix, place: usize) -> String {
        let mapped = self.charsmap.as_ref().map(|map| map.apply(text));
        let text = mapped.as_deref().unwrap_or(text);
        let gets_prefix = |spaced: bool| match prefix {
            _ if !self.add_dummy_prefix => false,
            Prefix::Each => true,
            Prefix::EachWithout => !spaced,
            Prefix::First => !spaced && place == 0,
        };
        let prefix = |spaced: bool| if gets_prefix(spaced) { SPACE } else { "" };
        if !self.remove_extra_whitespaces {
            return if text.is_empty() {
                String::new()
            } else {
                format!("{}{}", prefix(text.starts_with([' ', '\u{2581}'])), text.replace(' ', SPACE))
            };
        }
        let mut normalized = String::with_capacity(text.len() * 3 / 2);
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            normalized.push_str(if normalized.is_empty() { prefix(word.starts_with(SPACE)) } else { SPACE });
            normalized.push_str(word);
        }
        normalized
    }
}
