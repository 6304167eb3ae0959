//! SentencePiece models: the protobuf, the normalizer, and BPE or unigram.

mod build;
mod charsmap;
mod engine;
mod file;
mod merges;
mod protobuf;
mod specials;
#[cfg(test)]
mod tests;
mod trie;
mod unigram;
mod write;

pub(super) use build::{Surroundings, build, build_model, check};
pub(super) use engine::{Prefix, SentencePieceEngine};
pub(super) use file::{Model, ModelType, Normalizer, Piece, PieceKind};
