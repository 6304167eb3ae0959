//! Byte-pair encoding of words: first symbols, merges, and memory of words seen before.
//!
//! Gives the ids of the `tokenizers` crate's BPE model (checked by a property test), many times as fast.

mod alphabet;
mod borders;
mod cache;
mod encoder;
mod merges;
#[cfg(test)]
mod tests;

pub(super) use alphabet::{Alphabet, Characters, Fallback, UnknownRun};
pub(super) use encoder::{Bpe, Encoder, WholeWords};
pub(super) use merges::Merge;
