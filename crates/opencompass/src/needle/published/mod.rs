//! NeedleBench as it is published: the documents, needles and prompts of OpenCompass byte for byte, for dataset files.
//!
//! Upstream cuts a haystack of shuffled texts by tokens of GPT-4, puts needles between two tokens, and makes a set for
//! every length and depth. One set here has all of them, so that its scores make a heat map.

mod arguments;
mod chain;
mod document;
mod facts;
mod load;
mod wording;

pub(crate) use chain::load_chains;
pub(crate) use load::load_published;
