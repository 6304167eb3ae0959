//! Low-rank adapters (Hu et al.: "LoRA: low-rank adaptation of large language models", ICLR 2022).
//!
//! y = x W^T + s (x A^T) B^T with W frozen, s = alpha / r. The arithmetic is [`internlm_model::linear::Lora`];
//! here is which layers get one, the PEFT files, and the way back to a plain model.

mod adapter;
mod config;
mod inject;
mod merge;
mod peft;

pub use adapter::Adapter;
pub use config::{LoraSection, TargetModules};
pub use inject::inject;
pub use merge::merge;
pub use peft::AdapterConfig;
