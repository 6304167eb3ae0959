//! Retrievers: the rules that choose worked examples for a question.
//!
//! Rules that need only the rows are computed when an evaluation is made. Those that need sentence vectors or
//! likelihoods are followed like items: [`examples()`] says what it has to know, and the answers are stored like all
//! others. Everything here is pure.

mod bm25;
mod corpus;
mod course;
mod dpp;
mod examples;
mod mdl;
mod mt19937;
mod random;
mod sliding;
mod stop;
mod vectors;
mod votek;
mod words;
mod xiezhi;

pub use examples::{Retrieval, examples, planned};
pub use mt19937::Mt19937;
pub use words::word_tokenize;

pub(crate) use course::{RetrievalCourse, assumed_examples};
