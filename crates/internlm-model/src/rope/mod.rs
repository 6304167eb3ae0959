//! Rotary position embedding (Su et al., "RoFormer", 2021), half-split form, with linear, dynamic NTK, YaRN (Peng et
//! al., 2023), Llama 3 and LongRoPE (Ding et al., 2024) scaling.
//!
//! `inv_freq_i = base^(-2i/d)`, angle = position * inv_freq, pairs (x_i, x_{i + d/2}). Dynamic NTK: a sequence of
//! L keys beyond `max_position` uses `base = theta (s L / max_position - (s - 1))^(d / (d - 2))`. The rule is
//! stateless: unlike upstream's `InternLM2DynamicNTKScalingRotaryEmbedding`, a short sequence after a long one is
//! rotated with theta again. YaRN divides slow frequencies by the factor, keeps fast ones and blends in between, as
//! transformers' `_compute_yarn_parameters`; it also scales cosines and sines, which sharpens the attention. Llama 3
//! divides by the factor the frequencies whose waves are longer than a share of the first context and blends towards
//! those that stay (`_compute_llama3_parameters`). LongRoPE divides frequency i by factor i of one list in sequences
//! of up to `original_max_position` keys and of another in longer ones (`_compute_longrope_parameters`), by the same
//! stateless rule; llama.cpp chooses the list by the context that it was started with, not by the sequence.

mod rotation;
#[cfg(feature = "burn")]
mod table;

pub use rotation::Rope;
#[cfg(feature = "burn")]
pub use table::RopeTable;
