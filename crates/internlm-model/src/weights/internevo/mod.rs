//! Checkpoints of InternEvo, upstream's training framework: a folder of `.pt` files, one per tensor-parallel rank
//! and pipeline stage.
//!
//! ```text
//! model_config.pt          sizes, `adapt_hf` or `qk_interleaved`, `norm_head`, ...
//! model_tp{t}_pp{p}.pt     the weights of one rank; weight-parallel runs write model_wp{w}_pp{p}.pt
//! ```
//!
//! Follows InternEvo's `checkpoint/components.py` and `tools/convert2hf_internlm2.py`.

mod config;
mod folder;
mod keys;
mod shard;
mod table;
#[cfg(test)]
mod tests;
mod writer;

pub use config::Stretch;
pub use folder::InternEvoFolder;
pub(crate) use folder::is_internevo;
pub use writer::{Layout, write};
