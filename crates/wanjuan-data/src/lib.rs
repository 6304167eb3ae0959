//! Raw web pages to clean text and InternEvo token shards: the data side of WanJuan in Rust.

mod error;
#[cfg(feature = "shard")]
pub mod shard;

pub use error::{Error, Result};
