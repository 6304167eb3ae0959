//! The key-value cache: who holds which block, and (with a device) the blocks themselves.

#[cfg(feature = "burn")]
mod paged;
mod pool;

#[cfg(feature = "burn")]
pub use paged::PagedCache;
pub use pool::{BlockId, BlockPool};
