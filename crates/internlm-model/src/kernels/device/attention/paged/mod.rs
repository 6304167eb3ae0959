//! Attention of new tokens over keys and values in blocks on a GPU (PagedAttention, Kwon et al., 2023).
//!
//! The storage of a layer is one matrix with a row per block, `[K | V][kv_head][slot][d]`. A query adds up its keys in
//! splits of 256 positions and the splits in their order (FlashDecoding, Dao et al., 2023). For a single new token each
//! split has a cube of its own and a second kernel combines them; a tile of several tokens visits its splits one after
//! the other in one cube. Both do the same arithmetic, so the bits of a query depend on its own sequence only: not on
//! other sequences, the size and order of blocks, or how a prompt was cut.
//!
//! Keys and values are floats of 32 or 16 bits, or codes of 8 or 4 bits that are made when they are stored and become floats again tile by
//! tile. Keys of 4 bits are rotated first, and so are the queries; the outputs are rotated back.

mod apply;
mod codes;
mod combine;
mod form;
mod forward;
mod hadamard;
mod plan;
mod rounding;
mod store;
#[cfg(all(test, feature = "autodiff"))]
mod tests;
#[cfg(all(test, feature = "autodiff"))]
mod twin;

pub(in crate::kernels) use apply::{PagedCall, attend, copy, takes};
pub(in crate::kernels) use form::SPLIT;
pub(in crate::kernels) use plan::UploadedPlan;
