//! Behavior of the crate through its public interface.

mod chat;
mod decoder_goldens;
mod shared;
mod tokenizer_goldens;
mod trained_bpe;
