//! [`FastText`]: text classification by a supervised fastText model (Joulin et al., arXiv 1607.01759), read
//! from fastText's own files, dense (`.bin`) or quantized (`.ftz`).
//!
//! The hidden vector is the mean of the rows of all words, character n-grams (hashed into buckets) and word
//! n-grams of a line; the output layer is softmax, one sigmoid per label, or hierarchical softmax. Follows
//! fastText 0.9.2. Quantized rows are unfolded when the model is read.

mod format;
mod model;
mod output;
mod vocabulary;

pub use model::{FastText, Prediction};
