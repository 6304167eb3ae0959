//! Packed rows: what one forward pass takes, and where rows come from.

mod pack;
mod prefetch;
mod row;
mod sampler;
mod shards;

pub use pack::{CutPacker, PackShape};
pub(crate) use pack::{push_piece, read_document};
pub use prefetch::with_prefetch;
pub use row::{Row, RowSource};
pub use sampler::Sampler;
pub use shards::{ShardRows, ShardRowsConfig};
