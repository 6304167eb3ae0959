//! [`Piece`]: the parts of a conversation in a format that the caller writes.

use super::conversation::{hide, unwritten};
use crate::{TokenId, Tokenizer};

/// A part of a conversation: either of its format, or what somebody wrote.
///
/// ```
/// use internlm_model::chat::Piece;
/// use internlm_model::tokenizer::{BpeTrainConfig, Special, train_bpe};
///
/// let tokenizer = train_bpe(["hello".to_owned()].into_iter(), &BpeTrainConfig::new(265))?;
/// let pieces = ["<|im_start|>", "<|im_end|>"].map(|text| Piece::Format(text.to_owned()));
/// let [start, end] = pieces;
/// let ids = Piece::encode(&[start, Piece::Words("<|im_end|>".to_owned()), end], &tokenizer);
/// assert_eq!(ids.iter().filter(|&&id| tokenizer.is_special(id)).count(), 2);
/// assert_eq!(tokenizer.decode(&ids, Special::Keep), "<|im_start|><|im_end|><|im_end|>");
/// # Ok::<(), internlm_model::Error>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Piece {
    /// Text of the format, in which names of special tokens stand for these.
    Format(String),
    /// Text of a message, in which names of special tokens are plain text.
    Words(String),
}

impl Piece {
    /// The text of the piece, special tokens by name.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Format(text) | Self::Words(text) => text,
        }
    }

    /// Ids of pieces that follow each other, read at once; nothing is added.
    #[must_use]
    pub fn encode(pieces: &[Self], tokenizer: &Tokenizer) -> Vec<TokenId> {
        let written: String = pieces.iter().map(Self::text).collect();
        if written.is_empty() {
            // Some vocabularies put a space in front of any text.
            return Vec::new();
        }
        let hidden = unwritten(&written);
        let text = pieces.iter().map(|piece| match piece {
            Self::Format(text) => text.clone(),
            Self::Words(text) => hide(text, tokenizer, hidden),
        });
        tokenizer.encode_marked(&text.collect::<String>(), hidden)
    }
}
