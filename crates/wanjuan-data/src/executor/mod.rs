//! The executor: units of work, threads, counting, resume and rejected documents around stages and passes.

mod corpus;
mod kernel;
mod manifest;
mod pass;
mod pipeline;
mod rejected;
mod segment;
mod shard_report;
mod shards;

pub use corpus::Corpus;
pub use kernel::{ShardInput, ShardSpec, run_shard};
pub use manifest::{Artifact, Manifest, UnitRecord};
pub use pass::{PassFiles, run_pass};
pub use pipeline::{Force, Outcome, RunOptions, run, run_share};
pub use rejected::{Rejected, RejectedWriter};
pub use segment::{Segment, segments};
pub use shard_report::{Count, DamagedRange, PartSpan, ShardReport, StageReport};
pub use shards::Share;
