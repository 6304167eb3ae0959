//! [`TokenList`]: the ids that `/tokenize` answers, alone or with the text of each.

use serde::{Deserialize, Serialize};

/// The ids of a text in their order.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(untagged, expecting = "expected a list of ids, or of objects with `id` and `piece`")]
pub enum TokenList {
    /// Only the numbers, without texts.
    Ids(Vec<u32>),
    /// Each with its text, as `with_pieces` asks for.
    Pieces(Vec<TokenPiece>),
}

/// An id and what it stands for.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TokenPiece {
    /// Number of the entry in the vocabulary.
    pub id: u32,
    /// The text that the entry adds.
    pub piece: PieceText,
}

/// What one id adds to a text.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(untagged, expecting = "expected a string or a list of bytes")]
pub enum PieceText {
    /// One or several whole characters.
    Text(String),
    /// Bytes that are not whole characters.
    Bytes(Vec<u8>),
}

impl TokenList {
    /// The ids without what they stand for.
    #[must_use]
    pub fn ids(&self) -> Vec<u32> {
        match self {
            Self::Ids(ids) => ids.clone(),
            Self::Pieces(pieces) => pieces.iter().map(|piece| piece.id).collect(),
        }
    }
}

impl Default for TokenList {
    fn default() -> Self {
        Self::Ids(Vec::new())
    }
}

impl TokenPiece {
    /// The id with its bytes, as text where they are one.
    #[must_use]
    pub fn new(id: u32, bytes: &[u8]) -> Self {
        let text = std::str::from_utf8(bytes).map(|text| PieceText::Text(text.to_owned()));
        Self { id, piece: text.unwrap_or_else(|_| PieceText::Bytes(bytes.to_vec())) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_forms_are_written_and_read() {
        let pieces = TokenList::Pieces(vec![TokenPiece::new(7, b" a"), TokenPiece::new(9, &[0xe4, 0xbd])]);
        for (list, body) in [
            (TokenList::Ids(vec![7, 9]), json!([7, 9])),
            (pieces, json!([{"id": 7, "piece": " a"}, {"id": 9, "piece": [228, 189]}])),
        ] {
            assert_eq!(serde_json::to_value(&list).expect("writes"), body);
            assert_eq!(serde_json::from_value::<TokenList>(body).expect("reads"), list);
            assert_eq!(list.ids(), [7, 9]);
        }
        assert!(TokenList::default().ids().is_empty());
    }
}
