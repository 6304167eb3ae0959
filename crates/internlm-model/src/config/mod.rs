//! One configuration for every model family: nothing else in the crate looks at raw JSON.

mod gguf;
mod hf;
mod keys;
mod model_config;

pub use model_config::{DType, Family, ModelConfig, RopeScaling};
