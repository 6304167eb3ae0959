//! Encoding as SentencePiece does: normalize, cut out user-defined pieces, then BPE or unigram.
//!
//! Checked against sentencepiece 0.2.3.

use super::charsmap::CharsMap;
use super::unigram::Unigram;
use crate::TokenId;
use crate::tokenizer::bpe::{Bpe, Encoder};
use crate::tokenizer::matcher::{Matcher, Part};

/// SentencePiece's stand-in for a space.
pub(super) const SPACE: &str = "\u{2581}";

/// A SentencePiece model ready to encode.
pub(in crate::tokenizer) struct SentencePieceEngine {
    pub(super) segmenter: Segmenter,
    pub(super) charsmap: Option<CharsMap>,
    pub(super) add_dummy_prefix: bool,
    pub(super) remove_extra_whitespaces: bool,
    pub(super) user_defined: Option<Matcher>,
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
        let text = self.normalize(text);
        let mut ids = Vec::with_capacity(text.len() / 3);
        match &self.segmenter {
            Segmenter::Unigram(unigram) => self.parts(&text, &mut ids, |text, ids| unigram.encode(text, ids)),
            Segmenter::Bpe(bpe) => bpe.with_encoder(|encoder: &mut Encoder<'_>| {
                self.parts(&text, &mut ids, |text, ids| encoder.text(text, ids));
            }),
        }
        ids
    }

    /// User-defined pieces, and what `segment` makes of the text between them.
    fn parts(&self, text: &str, ids: &mut Vec<TokenId>, mut segment: impl FnMut(&str, &mut Vec<TokenId>)) {
        for part in Matcher::cut(self.user_defined.as_ref(), text) {
            match part {
                Part::Id(id) => ids.push(id),
                Part::Text(text) => segment(text, ids),
            }
        }
    }

    /// Character map, spaces, dummy prefix.
    fn normalize(&self, text: &str) -> String {
        let mapped = self.charsmap.as_ref().map(|map| map.apply(text));
        let text = mapped.as_deref().unwrap_or(text);
        let prefix = if self.add_dummy_prefix { SPACE } else { "" };
        if !self.remove_extra_whitespaces {
            return if text.is_empty() {
                String::new()
            } else {
                format!("{prefix}{}", text.replace(' ', SPACE))
            };
        }
        let mut normalized = String::with_capacity(text.len() * 3 / 2);
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            normalized.push_str(if normalized.is_empty() { prefix } else { SPACE });
            normalized.push_str(word);
        }
        normalized
    }
}
