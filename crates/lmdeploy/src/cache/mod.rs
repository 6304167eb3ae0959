//! The key-value cache: who holds which block, how many blocks fit, and (with Burn) the blocks themselves.

#[cfg(feature = "burn")]
mod paged;
#[cfg(feature = "burn")]
mod paged_attention;
mod pool;
mod size;

#[cfg(feature = "burn")]
pub(crate) use paged::PagedCache;
pub use pool::BlockId;
pub(crate) use pool::BlockPool;
pub use size::CacheSize;
