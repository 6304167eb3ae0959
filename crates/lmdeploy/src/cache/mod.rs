//! The key-value cache: who holds which block, whose contents are shared, how many blocks fit, and (with Burn) the
//! blocks themselves.

mod block_copy;
#[cfg(feature = "burn")]
mod paged;
#[cfg(feature = "burn")]
mod paged_attention;
mod pool;
mod prefix;
mod prefix_cache;
mod size;

pub use block_copy::BlockCopy;
#[cfg(feature = "burn")]
pub(crate) use paged::PagedCache;
pub use pool::BlockId;
pub(crate) use pool::BlockPool;
pub(crate) use prefix::{Link, Parent, Scope};
pub(crate) use prefix_cache::{Found, PrefixCache, Retention, Tail};
pub use size::CacheSize;
#[cfg(any(feature = "burn", feature = "turbomind"))]
pub(crate) use size::available_memory;
