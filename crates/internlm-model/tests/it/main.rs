//! Behavior of the crate through its public interface.

#[cfg(feature = "cli")]
mod bad_input;
mod chat;
#[cfg(feature = "cli")]
mod cli;
mod config;
mod convert;
mod decoder;
mod decoder_goldens;
mod describe;
mod exit_codes;
mod gguf_vocabulary;
mod int4;
mod internevo;
mod jinja;
mod jinja_goldens;
#[cfg(all(feature = "cli", feature = "flex"))]
mod larger_vocabulary;
mod model_files;
mod models;
mod names;
mod prompts;
mod properties;
mod rope;
mod round_trips;
mod smollm2;
mod tokenizer_goldens;
mod trained_bpe;
mod variants;
mod weights;
