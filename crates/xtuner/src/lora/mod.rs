//! Low-rank adapters: LoRA (Hu et al., ICLR 2022), rsLoRA, DoRA, and QLoRA over packed base weights.
//!
//! `y = x W^T + s (d(x) A^T) B^T` with W frozen, dropout d, `s = alpha / r` (rsLoRA: `alpha / sqrt(r)`); with DoRA each
//! output has a trained magnitude. The arithmetic is [`internlm_model::linear::Lora`]; this module decides which layers
//! get an adapter and how the base is held, and reads, writes, renames and merges PEFT files.

mod adapter;
mod config;
mod fit;
mod inject;
mod keys;
mod layout;
mod merge;
mod modules;
mod pattern;
mod peft;
mod rename;
mod stored;

pub use adapter::Adapter;
pub(crate) use config::has_suffix;
pub use config::{BaseFormat, Compat, LoraTuningConfig, TargetModules, TrainedBias};
pub use inject::{inject, pack};
pub use merge::{WeightedAdapter, merge, merged};
pub use peft::AdapterConfig;
