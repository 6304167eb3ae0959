//! Kernels for GPUs, written once in CubeCL for CUDA and Vulkan, forward and backward.
//!
//! The functions of the modules with an `apply` are the device twins of the functions of the same name one module up,
//! which choose them by `accepts`. Sums are made in an order that depends on the shapes only: no atomics.

pub(super) mod accumulate;
pub(super) mod adamw;
pub(super) mod attention;
mod backend;
pub(super) mod cross_entropy;
#[cfg(feature = "autodiff")]
pub(super) mod differentiate;
pub(super) mod embedding;
mod gemm;
pub(super) mod global_norm;
#[cfg(all(test, feature = "autodiff"))]
mod half_tests;
mod halves;
mod head;
pub(super) mod int4;
pub(super) mod largest;
mod launch;
pub(super) mod linear;
#[cfg(all(test, feature = "flex", feature = "autodiff"))]
mod optimizer_tests;
mod reduce;
pub(super) mod rms_norm;
pub(super) mod rotary;
mod scale;
mod skinny;
pub(super) mod swiglu;
pub(super) mod swiglu_linear;
#[cfg(all(test, feature = "autodiff"))]
mod tests;
mod tile;
pub(super) mod token_log_probs;
pub(super) mod trace;

pub(super) use cubecl::prelude::Client;

pub use gemm::{Routine, RoutineError};
pub(super) use launch::{
    accepts, accepts_floats, accepts_pair, client, from_primitive, int_primitive, primitive, upload, write,
};
pub use linear::linear_by;
