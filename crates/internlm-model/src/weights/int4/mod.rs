//! Matrices of 4-bit codes: the folders of AWQ, GPTQ and compressed-tensors, and blocks of GGUF files.
//!
//! A folder's settings say how its words are packed ([`QuantizationConfig`]), the names of the tensors which matrices
//! are ([`find`]). [`Int4Source`] reads the codes of one matrix, [`Int4Matrix`] holds those of any file in one layout.

mod find;
mod keys;
mod matrix;
mod settings;
mod source;
mod stored;

pub use find::{Problem, find};
pub(crate) use matrix::{CodedRows, is_coded};
pub use matrix::{Int4Layout, Int4Matrix, Offset};
pub use settings::{Needs, QuantizationConfig, ZeroPoints};
pub use source::{BLOCK, InputPlaces, Int4Parts, Int4Source, Packing};

#[cfg(test)]
mod tests;
