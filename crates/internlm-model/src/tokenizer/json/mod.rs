//! `tokenizer.json`: our own pipeline for the usual ones, the `tokenizers` crate for all others; our table of
//! pieces decodes.

mod added;
mod build;
mod engine;
mod metaspace;
mod pipeline;
mod style;
#[cfg(test)]
mod tests;

pub(super) use build::build;
pub(super) use engine::JsonEngine;
pub(super) use style::byte_piece;
