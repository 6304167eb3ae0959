//! Matrices of few bits in host memory: what quantized fine-tuning keeps instead of floats.

mod codebook;
mod matrix;
#[cfg(test)]
mod tests;

pub use codebook::{DYNAMIC, NF4, nearest};
pub use matrix::{PackedFormat, PackedMatrix};
