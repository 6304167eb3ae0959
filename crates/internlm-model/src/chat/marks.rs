//! The special tokens of InternLM2's chat format, by the names that they have in its vocabulary.
//!
//! They are defined below `chat` and `tokenizer`, because trained vocabularies contain them too.

pub(super) use crate::marks::BOS;
pub use crate::marks::{ACTION_END, ACTION_START, IM_END, IM_START, INTERPRETER, PLUGIN};
