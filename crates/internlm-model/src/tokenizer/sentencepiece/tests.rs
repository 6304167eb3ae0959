//! Our unigram segmentation against that of the `tokenizers` crate; models that are written and read.

use std::path::Path;

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

    #[test]
    fn a_written_model_is_read_as_it_was(
        pieces in prop::collection::vec((".{0,6}", -20.0_f32..0.0, 1_u64..7), 1..20),
        charsmap in prop::collection::vec(any::<u8>(), 0..200),
        (bpe, byte_fallback, add_dummy_prefix, remove_extra_whitespaces) in any::<(bool, bool, bool, bool)>(),
        (bos, eos, pad) in (-1_i64..100_000, -1_i64..100_000, -1_i64..100_000),
    ) {
        let piece = |(text, score, kind)| {
            Piece { text, score, kind: PieceKind::from_number(kind).expect("kinds are 1 to 6") }
        };
        let model = Model {
            pieces: pieces.into_iter().map(piece).collect(),
            model_type: if bpe { ModelType::Bpe } else { ModelType::Unigram },
            byte_fallback,
            normalizer: Normalizer { charsmap, add_dummy_prefix, remove_extra_whitespaces },
            bos,
            eos,
            pad,
        };
        let read = Model::parse(&model.to_bytes(), Path::new("x.model")).expect("reads what was written");
        prop_assert_eq!(format!("{:?}", read), format!("{:?}", model));
    }
}
