//! Causal attention over packed rows on a GPU, memory linear in the number of tokens (FlashAttention-2, Dao, 2023).
//!
//! Works on the rotated projection where it is, `[T, (heads + 2 kv_heads) d]`: nothing is transposed, keys are not
//! repeated. The host cuts the row into tiles of tokens, one cube takes one tile and one kv head with all its query
//! heads. Scores exist tile by tile; the backward pass makes them again from the saved log-sum-exp, `dQ` by tiles of
//! queries, then `dK` and `dV` by tiles of keys, so that every number has one writer and one order of additions.

mod backward_keys;
mod backward_queries;
mod forward;
mod gradient;
pub(in crate::kernels) mod paged;
mod plan;
mod rotary_attention;
mod running;
mod tile;
mod tiled;

pub(in crate::kernels) use rotary_attention::apply;
