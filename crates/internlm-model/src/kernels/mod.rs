//! Fused operations with hand-written forward and backward, each beside its readable twin in [`plain`].
//!
//! On the CPU backend (flex, f32) the public functions run kernels written on slices; on every other device they
//! run the twin.

pub mod plain;

pub use plain::{embedding, linear, packed_attention, rms_norm, rotate, swiglu};
