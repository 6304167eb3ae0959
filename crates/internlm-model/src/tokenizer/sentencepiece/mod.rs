//! SentencePiece models: the protobuf, the normalizer, and BPE or unigram.

mod charsmap;
mod engine;
mod file;
mod merges;
mod protobuf;
#[cfg(test)]
mod tests;
mod trie;
mod unigram;
mod write;

pub(super) use engine::{SentencePieceEngine, build, build_model};
pub(super) use file::{Model, ModelType, Normalizer, Piece, PieceKind};
