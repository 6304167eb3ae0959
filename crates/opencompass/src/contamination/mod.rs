//! Contamination: which items of a test set are in a training corpus, and what a model scores on the others.
//!
//! Texts are compared by their 13-grams (Brown et al. 2020, appendix C): lower case, without punctuation, Chinese,
//! Japanese and Korean by character. The index of all test sets is a file of its own, so that a data pipeline can drop
//! the documents that contain them.

mod classes;
mod items;
mod split;

pub use classes::{Class, Overlap};
pub use internlm_kit::ngrams::{GRAM, NgramIndex, grams, tokens};
pub use items::{ItemText, item_texts};
pub use split::split_scores;
