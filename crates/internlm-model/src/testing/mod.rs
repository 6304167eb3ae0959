//! What tests of several crates need: matrices and models of 4-bit codes with the weights that they stand for, and a
//! count of what is read of a GPU.

mod gpu_reads;
mod int4_example;
mod int4_model;

pub use gpu_reads::GpuReads;
pub use int4_example::{Int4Example, StoredTensor, word_bytes};
pub use int4_model::{Int4Model, ZeroPoint, write_model};
