//! What tests of several crates make: matrices and models of 4-bit codes, with the weights that they stand for.

mod int4_example;
mod int4_model;

pub use int4_example::{Int4Example, StoredTensor, word_bytes};
pub use int4_model::{Int4Model, ZeroPoint, write_model};
