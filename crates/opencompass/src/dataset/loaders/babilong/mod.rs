//! BABILong: questions about facts in long texts, as `BabiLongDataset` asks them.

mod prompts;
mod rows;

pub(super) use rows::ENTRIES;
