//! SentencePiece models: the protobuf, the normalizer, and BPE or unigram over the `tokenizers` crate's models.

mod charsmap;
mod engine;
mod file;
mod neighbors;
mod protobuf;

pub(super) use engine::{SentencePieceEngine, build, build_model};
pub(super) use file::{Model, ModelType, Normalizer, Piece, PieceKind};
