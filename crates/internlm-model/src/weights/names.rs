//! The table of tensor names: InternLM2 <-> LLaMA.

use crate::ModelConfig;

/// Every tensor of a model under its InternLM2 name with its shape, in the order of the checkpoint.
#[must_use]
pub fn expected(config: &ModelConfig) -> Vec<(String, Vec<usize>)> {
    let _ = config;
    Vec::new()
}
