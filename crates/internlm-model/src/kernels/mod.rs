//! Fused operations with hand-written forward and backward, each beside its readable twin in [`plain`].
//!
//! On the CPU backend (flex, f32) the public functions run kernels written on slices; on every other device they
//! run the twin.

mod cross_entropy;
pub mod plain;

pub use cross_entropy::{CrossEntropy, cross_entropy};
pub use plain::{embedding, linear, packed_attention, rms_norm, rotate, swiglu};
