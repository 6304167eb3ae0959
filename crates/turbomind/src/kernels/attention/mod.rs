//! Softmax attention of a pass over paged keys and values.
//!
//! A work item is one kv head and a run of consecutive query tokens of one sequence, whose rows are the query heads of
//! that kv head. It visits the parts of 256 positions that its last token sees and merges them in rising order. Where
//! there are too few items to keep the members busy (one long sequence), the parts are separate items and a second phase
//! merges them, in the same order and with the same operations. In a layer with a sliding window the parts before the
//! window of the item's first token are skipped, and a row takes what it sees of the others.

mod call;
mod item;
mod paged;
mod plan;
mod run;
mod store;
#[cfg(test)]
mod tests;

pub(crate) use call::AttentionCall;
pub use paged::PagedAttention;
pub use plan::AttentionStep;
pub(crate) use plan::{AttentionScratch, AttentionShape};
pub(crate) use run::attention;
pub use store::KvPlace;
pub(crate) use store::{store_key, store_value};
