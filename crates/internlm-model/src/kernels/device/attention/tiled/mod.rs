//! Attention on tensor cores: queries, keys and gradients in tiles of 16 bits, softmax and sums in f32.
//!
//! As FlashAttention-2 (Dao, 2023) divides it: a cube has a tile of queries, one plane has 16 of them with all columns
//! of their scores, so that a softmax is a matter of four units. Scores that become weights stay in registers, where
//! they are the left operand of the next product. The backward pass of the keys turns the products around: a plane has
//! 16 keys and the scores are `k q^T`. Tests run the same kernels by [`TileForm::Emulated`].
//!
//! [`TileForm::Emulated`]: crate::kernels::device::tile::TileForm

mod backward_keys;
mod backward_queries;
mod form;
mod forward;
mod launch;
mod scores;
mod stages;
#[cfg(all(test, feature = "autodiff"))]
mod tests;

pub(super) use launch::Tiled;
