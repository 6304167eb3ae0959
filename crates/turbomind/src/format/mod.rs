//! Bytes of a file -> tiles, one file per family of formats.
//!
//! The source rows of a column group are given one by one, so any order of rows (rotary pairs put back together, parts
//! stacked) costs nothing. [`int4`] repacks the 4-bit matrices of Hugging Face folders.

mod blocks;
mod float;
pub mod int4;
mod k_quants;
mod record;
mod repack;
#[cfg(test)]
mod tests;

pub use repack::{SourceRows, repack};
