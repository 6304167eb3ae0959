//! The most likely segmentation of a text into pieces.
//!
//! Kudo: "Subword regularization: improving neural network translation models with multiple subword candidates",
//! ACL 2018. Viterbi as `Model::EncodeOptimized` of sentencepiece's `unigram_model.cc`: one pass over the text,
//! every piece that starts at a character competes for the place where it ends. Scores are summed in
//! 32 bits as there, so that ties fall the same way.

use super::file::{Model, PieceKind};
use super::trie::{Entry, Trie};
use crate::TokenId;
use crate::tokenizer::json::byte_piece;

/// How much less likely than the least likely piece an unknown character is.
const UNKNOWN_PENALTY: f32 = 10.0;

/// A unigram vocabulary ready to encode.
pub(super) struct Unigram {
    trie: Trie,
    unknown: u32,
    unknown_score: f32,
    /// What the bytes of unknown characters become, when the model has a piece for every one.
    bytes: Option<Vec<u32>>,
}

/// The best way to a place in the text: its last piece.
#[derive(Clone, Copy)]
struct Best {
    score: f32,
    length: u32,
    id: u32,
}

/// No way leads here yet.
const NO_WAY: Best = Best { score: f32::NEG_INFINITY, length: 0, id: 0 };

impl Unigram {
    /// `unknown` is the id of the unknown piece.
    pub(super) fn new(model: &Model, unknown: u32) -> Self {
        let pieces = || model.pieces.iter().zip(0..);
        // Others, for instance control pieces, never match text.
        let is_text = |kind| matches!(kind, PieceKind::Normal | PieceKind::UserDefined);
        let text = pieces().filter(|(piece, _)| is_text(piece.kind));
        let entries: Vec<Entry<'_>> =
            text.map(|(piece, id)| (piece.text.as_bytes(), id, piece.score)).collect();
        let lowest = model.pieces.iter().map(|piece| piece.score).fold(f32::INFINITY, f32::min);
        let bytes = bytes(model).filter(|_| model.byte_fallback);
        Self { trie: Trie::new(entries), unknown, unknown_score: lowest - UNKNOWN_PENALTY, bytes }
    }

    /// Appends the ids of `text`.
    pub(super) fn encode(&self, text: &str, ids: &mut Vec<TokenId>) {
        let best = self.search(text);
        let first = ids.len();
        let mut end = text.len();
        let mut after_unknown = false;
        while end > 0 {
            let Best { length, id, .. } = best[end];
            let start = end - length as usize;
            match &self.bytes {
                Some(bytes) if id == self.unknown => {
                    let unknown = text.as_bytes()[start..end].iter().rev();
                    ids.extend(unknown.map(|&byte| TokenId(bytes[usize::from(byte)])));
                }
                // Unknown characters in a row are one piece.
                _ if id != self.unknown || !after_unknown => ids.push(TokenId(id)),
                _ => {}
            }
            after_unknown = id == self.unknown;
            end = start;
        }
        ids[first..].reverse();
    }

    /// The best way to every place between characters.
    fn search(&self, text: &str) -> Vec<Best> {
        let mut best = vec![NO_WAY; text.len() + 1];
        best[0].score = 0.0;
        for (start, character) in text.char_indices() {
            let so_far = best[start].score;
            let mut reach = |length: usize, score: f32, id: u32| {
                let target = &mut best[start + length];
                if so_far + score > target.score || target.length == 0 {
                    *target = Best { score: so_far + score, length: length as u32, id };
                }
            };
            let first = character.len_utf8();
            let mut single = false;
            self.trie.prefixes(&text.as_bytes()[start..], |length, id, score| {
                single |= length == first;
                reach(length, score, id);
            });
            if !single {
                reach(first, self.unknown_score, self.unknown);
            }
        }
        best
    }
}

/// The pieces of all bytes.
fn bytes(model: &Model) -> Option<Vec<u32>> {
    let mut bytes = vec![None; 256];
    for (piece, id) in model.pieces.iter().zip(0..).filter(|(piece, _)| piece.kind == PieceKind::Byte) {
        if let Some(byte) = byte_piece(&piece.text) {
            bytes[usize::from(byte)] = Some(id);
        }
    }
    bytes.into_iter().collect()
}
