//! Behavior of the crate through its public interface.

#[cfg(feature = "cli")]
mod bad_input;
mod chat;
mod convert;
mod decoder;
mod decoder_goldens;
mod jinja;
mod models;
mod shared;
mod smollm2;
mod tokenizer_goldens;
mod trained_bpe;
mod weights;
