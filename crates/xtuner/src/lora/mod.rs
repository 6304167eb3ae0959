//! Low-rank adapters (Hu et al.: "LoRA: low-rank adaptation of large language models", ICLR 2022).
//!
//! y = x W^T + s (x A^T) B^T with W frozen, s = alpha / r. The arithmetic is [`internlm_model::linear::Lora`];
//! this module decides which layers get an adapter, and reads, writes and merges PEFT files.

mod adapter;
mod config;
mod inject;
mod keys;
mod pattern;
mod peft;

pub use adapter::{Adapter, merge};
pub use config::{LoraTuningConfig, TargetModules};
pub use inject::inject;
pub use peft::AdapterConfig;
