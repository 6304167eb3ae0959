//! Behavior of the crate through its public interface.

mod shared;
mod tokenizer_goldens;
mod trained_bpe;
