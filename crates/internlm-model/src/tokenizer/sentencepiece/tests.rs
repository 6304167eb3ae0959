//! Our unigram segmentation against that of the `tokenizers` crate.

use proptest::prelude::*;
use tokenizers::Model as _;

use super::file::{Model, ModelType, Normalizer, Piece, PieceKind};
use super::unigram::Unigram;

proptest! {
    #[test]
    fn unigram_equals_the_tokenizers_crate(
        // Few different scores, so that ties are frequent; sums of quarters are exact in 32 and in 64 bits.
        pieces in prop::collection::btree_map("[a-c你]{1,4}", 0..6_u8, 0..30),
        text in "[a-d你我]{0,40}",
    ) {
        let unknown = Piece { text: "<unk>".to_owned(), score: 0.0, kind: PieceKind::Unknown };
        let normal = pieces.into_iter().map(|(text, score)| {
            Piece { text, score: -f32::from(score) / 4.0, kind: PieceKind::Normal }
        });
        let pieces: Vec<Piece> = [unknown].into_iter().chain(normal).collect();
        let vocabulary = pieces.iter().map(|piece| (piece.text.clone(), f64::from(piece.score))).collect();
        let theirs = tokenizers::models::unigram::Unigram::from(vocabulary, Some(0), false).expect("a vocabulary");
        let normalizer =
            Normalizer { charsmap: Vec::new(), add_dummy_prefix: false, remove_extra_whitespaces: false };
        let model = Model {
            pieces, model_type: ModelType::Unigram, byte_fallback: false, normalizer, bos: -1, eos: -1, pad: -1,
        };
        let mut ids = Vec::new();
        Unigram::new(&model, 0).encode(&text, &mut ids);
        let expected: Vec<u32> =
            theirs.tokenize(&text).expect("tokenizes").into_iter().map(|token| token.id).collect();
        prop_assert_eq!(ids.into_iter().map(|id| id.0).collect::<Vec<u32>>(), expected);
    }
}
