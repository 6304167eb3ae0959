//! SentencePiece models: the protobuf, the normalizer, and BPE or unigram.

mod build;
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

pub(super) use build::{build, build_model};
pub(super) use engine::SentencePieceEngine;
pub(super) use file::{Model, ModelType, Normalizer, Piece, PieceKind};
