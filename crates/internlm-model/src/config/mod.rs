//! One configuration for every model family: nothing else in the crate looks at raw JSON.

mod gguf;
mod hf;
mod keys;
mod model_config;
mod rope_scaling;

pub use model_config::{DType, Family, ModelConfig};
pub use rope_scaling::RopeScaling;
