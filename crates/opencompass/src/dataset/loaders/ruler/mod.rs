//! RULER: texts of a number of tokens in which a model has to find, follow, count or read something.
//!
//! Examples are drawn with the seed 42 as OpenCompass 0.5.4 `datasets/ruler` (Apache-2.0) draws them, so that with the same
//! vocabulary every prompt is the same. Upstream's tasks are those of NVIDIA's RULER (Apache-2.0).

mod coded;
mod frequent_words;
mod load;
mod needles;
mod pairs;
mod questions;
mod search;
mod variables;

pub(super) use load::ENTRIES;
