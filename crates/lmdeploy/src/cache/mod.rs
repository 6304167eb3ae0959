//! The key-value cache: who holds which block, and (with Burn) the blocks themselves.

#[cfg(feature = "burn")]
mod paged;
mod pool;
mod size;

#[cfg(feature = "burn")]
pub use paged::PagedCache;
pub use pool::{BlockId, BlockPool};
pub use size::CacheSize;
