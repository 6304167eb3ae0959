//! Causal attention over packed rows, memory linear in the number of tokens (FlashAttention-2, Dao, 2023).
//!
//! Scores are made tile by tile with a running maximum and sum; the backward pass makes them again from the saved
//! log-sum-exp. Grouped queries share their key without repeating it. Works on the rotated projection in
//! group-major order: per kv head a matrix `[T, (group + 2) d]` of its queries (divided by `sqrt(d)`), key, value.

#[cfg(feature = "flex")]
mod backward;
#[cfg(feature = "flex")]
mod cached;
#[cfg(feature = "flex")]
mod forward;
#[cfg(feature = "flex")]
mod layout;
#[cfg(feature = "flex")]
mod mask;
mod rotary_attention;
#[cfg(feature = "flex")]
mod tile;

#[cfg(feature = "flex")]
pub use cached::{CachedKeys, KeyBlock, QueryRows, cached_attention};
pub use rotary_attention::rotary_attention;
#[cfg(feature = "flex")]
pub(crate) use {
    backward::{OutputGradient, backward},
    forward::{Output, forward},
    layout::{HeadLayout, Rotation, gather, scatter},
    mask::Mask,
};
