//! NeedleBench: what an answer has found in a long text.

mod retrieval;
mod table;

pub(super) use table::ENTRIES;
