//! The CPU inference core: weights in, logits for a batch of sequences out.
//!
//! No Burn, no async, no server, no sampling policy. Mirrors InternLM's TurboMind.

pub mod arena;
mod error;
pub mod format;
mod kernels;
pub mod kv;
pub mod panel;
pub mod pool;
pub mod simd;
mod step;
pub mod tile;

pub use error::{Error, Result};
pub use kernels::attention::{Attend, PagedAttention, Place};
pub use step::{LogitsWanted, SeqStep};
