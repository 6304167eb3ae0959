//! Equality of texts and numbers, calls of tools, and bits per byte.

mod exact;
mod measure;
mod table;
mod tool_call;
mod tool_calls;
mod unscored;

pub use exact::{exact_match, gsm8k_equal, lambada_correct, number_equal};
pub(super) use table::ENTRIES;
pub use tool_call::{CallCheck, check_call};
