//! One configuration for every model family: nothing else in the crate looks at raw JSON.

mod builder;
mod hf;
mod keys;
mod model_config;
mod rope_scaling;
mod sliding_window;
mod written;

pub use builder::{Biased, ModelSize};
pub use model_config::{DType, Family, ModelConfig};
pub use rope_scaling::RopeScaling;
pub use sliding_window::SlidingWindow;
