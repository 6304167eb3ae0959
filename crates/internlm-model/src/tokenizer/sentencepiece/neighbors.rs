//! Cutting text where no BPE merge can reach across: short words are merged faster than whole lines.
//!
//! A merge over the border between characters a and b makes a piece that holds `ab`. Where no piece does, both
//! sides are independent, and cutting there changes no id. In text with spaces that is nearly every word.

use std::collections::HashSet;

use super::file::{Model, ModelType, PieceKind};

/// All pairs of characters that are neighbors inside of a piece.
pub(super) struct Neighbors {
    pairs: HashSet<(char, char)>,
}

impl Neighbors {
    /// `None` for models where words are not independent: unigram, and BPE that fuses unknown characters.
    pub(super) fn of(model: &Model) -> Option<Self> {
        if model.model_type != ModelType::Bpe || !model.byte_fallback {
            return None;
        }
        let text = model
            .pieces
            .iter()
            .filter(|piece| matches!(piece.kind, PieceKind::Normal | PieceKind::UserDefined));
        let pairs = text.flat_map(|piece| piece.text.chars().zip(piece.text.chars().skip(1))).collect();
        Some(Self { pairs })
    }

    /// Calls `word` with the independent parts of `text`, in order.
    pub(super) fn cut<'a>(&self, text: &'a str, mut word: impl FnMut(&'a str)) {
        let mut start = 0;
        let mut before = None;
        for (at, character) in text.char_indices() {
            if let Some(before) = before
                && !self.pairs.contains(&(before, character))
            {
                word(&text[start..at]);
                start = at;
            }
            before = Some(character);
        }
        if start < text.len() {
            word(&text[start..]);
        }
    }
}
