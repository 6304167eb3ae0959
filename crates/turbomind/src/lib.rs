//! The CPU inference core: weights in, logits for a batch of sequences out.
//!
//! No Burn, no async, no server, no sampling policy. Mirrors InternLM's TurboMind.

pub mod arena;
#[cfg(feature = "cli")]
pub mod cli;
mod engine;
mod error;
pub mod format;
mod kernels;
pub mod kv;
mod model;
pub mod panel;
pub mod pool;
pub mod simd;
mod step;
pub mod tile;

pub use engine::{Engine, EngineConfig, MemoryReport, NonFinite, Outputs, Want};
pub use error::{Error, Result};
pub use kernels::attention::{Attend, PagedAttention, Place};
pub use model::Compute;
pub use step::{LogitsWanted, SeqStep};
