//! Runs a pipeline: threads, counting, resume and rejected documents around stages and passes.
//!
//! The words of this module, from large to small:
//!
//! | word | means |
//! |---|---|
//! | segment | document stages in a row, or one pass; has a folder below `work/` |
//! | part | what one thread does at a time: an input file of a segment, or a byte range of a large archive |
//! | unit | what the journal records: a part, an imported archive, a pass, the tokenizer, the token shards |
//!
//! A *shard* is always a file of tokens, see [`crate::shard`].

mod capture;
mod corpus;
mod journal;
mod part;
mod parts;
mod run;
mod runner;
mod segment;
mod share;
mod stopwatch;
mod unit;

pub use corpus::Corpus;
pub use run::{Force, Outcome, RunOptions, run, run_share};
pub use share::Share;

pub use crate::artifact::Artifact;
pub use crate::part_report::{Count, DamagedRange, StageReport};
pub use crate::rejected::Rejected;
