//! Fused operations with hand-written forward and backward, each with a readable twin in [`plain`].
//!
//! On the CPU backend (flex, f32) the public functions run kernels written on slices, on GPUs (f32) kernels written in
//! CubeCL; everything else runs the twin. Kernels cut their work the same way for any number of threads and add in a
//! fixed order: results do not depend on the thread count.

#![cfg_attr(
    not(feature = "autodiff"),
    allow(dead_code, reason = "backward passes are compiled in every build, called in training builds")
)]

mod accumulate;
mod adamw;
#[cfg(all(test, feature = "flex", feature = "autodiff"))]
mod adapter_tests;
mod add;
mod attention;
mod block_tables;
#[cfg(feature = "flex")]
mod buffer;
mod columns;
mod cross_entropy;
#[cfg(any(feature = "cuda", feature = "vulkan"))]
mod decode_buffers;
#[cfg(any(feature = "cuda", feature = "vulkan"))]
mod device;
#[cfg(feature = "autodiff")]
mod differentiate;
mod dropout;
mod embedding;
mod frozen;
#[cfg(feature = "flex")]
mod fused;
#[cfg(feature = "flex")]
mod gemm;
mod global_norm;
mod int4;
mod int4_weights;
mod largest;
mod linear;
mod logits;
mod lora;
#[cfg(feature = "flex")]
mod low_rank;
mod memory;
#[cfg(all(feature = "flex", target_arch = "x86_64"))]
mod microkernel;
mod paged;
pub mod plain;
#[cfg(any(feature = "cuda", feature = "vulkan"))]
mod recorded;
mod rms_norm;
mod rotary;
#[cfg(feature = "flex")]
mod rows;
mod slots;
mod swiglu;
mod swiglu_linear;
#[cfg(all(test, feature = "flex", feature = "autodiff"))]
mod tests;
mod token_log_probs;
#[cfg(feature = "flex")]
mod vector;

pub use accumulate::accumulate;
pub use adamw::{AdamWCoefficients, AdamWState, adamw};
pub use add::add;
pub use attention::rotary_attention;
#[cfg(feature = "flex")]
pub use attention::{CachedKeys, KeyBlock, QueryRows, cached_attention};
pub use block_tables::{KeyCopy, KeyFormat, KeyLayout};
pub use columns::scale_columns;
pub use cross_entropy::{CrossEntropy, Labels, cross_entropy};
#[cfg(any(feature = "cuda", feature = "vulkan"))]
pub use decode_buffers::{DecodeBuffers, DecodePlace, DecodeSize, DecodeStep, MAX_DECODE_ROWS};
#[cfg(any(feature = "cuda", feature = "vulkan"))]
pub use device::{Routine, RoutineError, linear_by};
#[cfg(feature = "autodiff")]
pub use differentiate::differentiate;
pub use dropout::{Mask, dropout};
pub use embedding::embedding;
pub use frozen::{Frozen, frozen_linear};
#[cfg(feature = "flex")]
pub(crate) use fused::accepts as runs_on_host;
pub use global_norm::{GlobalNorm, StepNumbers, global_norm};
pub use int4::{int4_decode, int4_linear};
pub use int4_weights::Int4Weights;
pub use largest::{MAX_ENTRIES, largest_entries, read_entries};
pub use linear::linear;
pub use logits::logits;
pub use lora::{LowRank, lora};
pub use memory::{MemoryPeak, trace_memory};
pub use paged::{PagedBatch, PagedKeys};
pub use plain::packed_attention;
#[cfg(any(feature = "cuda", feature = "vulkan"))]
pub use recorded::Recorded;
pub use rms_norm::rms_norm;
pub use rotary::{rotate, rotate_packed};
pub use swiglu::swiglu;
pub use swiglu_linear::swiglu_linear;
pub use token_log_probs::token_log_probs;
